"""From a run to what a station installs: the merged model as ONNX graphs, and the bundle around them."""
