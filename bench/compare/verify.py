"""A peer is measured at what it was seen to do. Each check raises Skipped with what it did
instead."""

from install import Skipped
from machine import Broken
from mock import TOKENS, chat, difference, post, said

SIZES = (1024, 20480)


def bodies(stream, fields):
    for size in SIZES:
        yield chat(size, stream, **fields).replace(b"$NONCE", b"wverify0000000000001")


def answers(world, running, exact, stream=False):
    """It answers what the provider answers: the same bytes, or at least the same words."""
    mock = running.mock
    mock.script()
    plain = world.mock  # a provider that speaks TLS says the same
    for body, own in zip(bodies(stream, {}), bodies(stream, running.fields)):
        status, text = post(plain.alpha, body)
        before = mock.stats()
        try:
            got, found = post(running.address, own, running.headers)
        except OSError as error:
            raise Skipped(f"gave no answer: {error}") from error
        books = difference(before, mock.stats())
        if got != 200 or not said(text) or status != 200:
            raise Skipped(f"answered {got}: {found[:120]}")
        if (found != text) if exact else (said(found) != said(text)):
            raise Skipped(f"answered something else: {found[:120]}")
        if books["beta"]["hits"] or books["alpha"]["hits"] != 1:
            raise Skipped(f"did not ask the first provider once: {books}")


def fails_over(running, script):
    """With the first provider so, the second one's answer comes, each time; seldom enough that
    no circuit breaker opens."""
    mock = running.mock
    body = next(bodies(False, running.fields))
    mock.script(alpha=f"{script};every=3;tokens={TOKENS}")
    before = mock.stats()
    try:
        for _ in range(6):
            status, text = post(running.address, body, running.headers)
            if status != 200 or not said(text):
                raise Skipped(f"answered {status} when the first provider failed: {text[:120]}")
    except OSError as error:
        raise Skipped(f"gave no answer when the first provider failed: {error}") from error
    finally:
        mock.script()
    books = difference(before, mock.stats())
    if books["beta"]["hits"] != 2:
        raise Skipped(f"did not go to the second provider: {books}")


def window(who, seen, beta_share=0.0, slack=0.02):
    """What the providers counted during a measurement fits what is measured."""
    share = seen.beta / seen.requests
    if abs(share - beta_share) > (slack if beta_share else 0):
        raise Broken(f"{who}: {share:.1%} of the requests went to the second provider, expected"
                     f" {beta_share:.1%}")
