"""The live event stream: one tail of the event log per process, any number of subscribers.

    log -> Hub (tail, ring of recent events) -> Audience (one a distinct wish) -> Mailbox (one a subscriber) -> socket

events: decoding; wire: bytes on the wire; wishes: channels and filters; ring: what is recent; hub: the tail and who
gets what; mailbox: the bounded queue of one subscriber; subscriber: subscribing with replay; messages: what a client
may say; socket, sse: the two transports; admission, tickets: who may listen; service: all of them together, heartbeats,
and the end of those whose token ended.
"""
