"""The item space: half-whitened embeddings of all items, searchable, grouped into interest clusters with names.

Raw embeddings by catalogue row enter, nearest rows, vectors and clusters leave; FAISS is known only here.
Start with `faiss_space` (what a worker asks), then `snapshot` (what is published) and `structures` (which index).
"""
