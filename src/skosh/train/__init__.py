"""The training half: needs the extra ``train``."""
