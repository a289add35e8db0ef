"""Alignment: rDPO and its relatives on LoRA adapters, resumable to the byte."""
