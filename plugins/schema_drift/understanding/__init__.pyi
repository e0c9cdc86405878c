from .comparing import compare as compare
