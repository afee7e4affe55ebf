"""The steps of a night. Each takes the bench and what the steps before it found, and gives its own figures as JSON.

A step may be begun several times, after a kill, and must then come to the same end. It is finished once.
"""
