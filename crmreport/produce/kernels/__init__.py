"""Fresh processes that are ready at once: forked from a server that has already imported everything.

A kernel that imports pandas, matplotlib and the package anew takes seconds; one that is forked
from a process in which they are imported takes tenths. Every fork is a process of its own, so no
module, setting or connection leaks from one client to the next, as it would if a kernel were used again.
"""
