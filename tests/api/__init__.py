"""Tests through HTTP; a package, so that file names may repeat those of other folders."""
