"""The toxicity classifier that ships with Winnow: `model.bin`, how it is trained, what it can do (MODEL.md), whom to thank (NOTICE.md)."""
