"""What is measured, in the order of the tables."""

from rows import counts, cpu, failover, latency, memory, stall, start, streams

ALL = {row.NAME: row for row in (cpu, cpu.Tls, cpu.Http2, latency, streams, failover, stall, memory, start,
                                counts)}
