"""Scan and fitted body -> textures of the twin on the body's fixed uvs."""

from bodyscan.texture.bake import bake_textures, prepare_texels
from bodyscan.texture.options import TextureOptions
from bodyscan.texture.sample import TexelColors
from bodyscan.texture.texels import Texels, body_texels

__all__ = ["TexelColors", "Texels", "TextureOptions", "bake_textures", "body_texels", "prepare_texels"]
