"""The demo guest: a small Linux, made from Debian packages, that boots on every virtual device."""
