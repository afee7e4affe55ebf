"""The client side of a line: a folder that a camera writes to, watched and posted. Needs no part of the server.

`folder` finds finished pictures, `backlog` keeps each on disk until its verdict, `sending` posts them in order.
"""
