"""The inspection station's runtime: onnxruntime, tokenizers, numpy and Pillow alone, never torch."""
