"""The model as ONNX graphs, in three precisions, with the small files beside them."""
