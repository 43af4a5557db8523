"""Take apart any picture that Pillow opens into pixels, transparency and metadata, and put it together again."""
