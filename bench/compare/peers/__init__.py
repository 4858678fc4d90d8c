"""Everybody who is measured, in the order of the tables. nginx is what ratios are against."""

from peers.floor import Floor
from peers.found import Agentgateway, Bifrost, Busbar
from peers.haproxy import Haproxy
from peers.litellm import Litellm
from peers.nginx import Nginx
from peers.portkey import Portkey
from peers.weir import Weir

ALL = {peer.name: peer for peer in (Weir, Floor, Nginx, Haproxy, Portkey, Litellm, Bifrost,
                                    Busbar, Agentgateway)}
BASE = "nginx"
