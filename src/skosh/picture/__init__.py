"""Any picture that Pillow opens, taken apart into bytes of pixels, transparency and metadata, and back."""
