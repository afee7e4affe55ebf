"""The line service measured: loaded from outside, beside a bare loop of the same student on the same cores."""
