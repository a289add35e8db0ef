"""What speaks for a description: which words claim something, how far the photo founds them, what the past says."""
