"""Texts to vectors, in this process: a sentence-transformers model behind one worker thread.

Texts enter, L2-normalised raw embeddings leave; weights whose SHA-256 is not the expected one are refused.
Start with `text_encoder`, then `batcher` (how concurrent callers share a pass) and `weights` (what is loaded).
"""
