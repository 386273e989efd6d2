"""bodyscan: from a raw scan of a person to a rigged, consented digital twin."""
