"""Learned files on disk, whole or not at all: published under a name, opened only when every byte is right.

A function that writes files enters, a manifest (sizes and SHA-256) leaves; with a manifest one gets the folder.
Which manifest is live is a row in the database. Start with `store`, then `manifest`.
"""
