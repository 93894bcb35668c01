# SPDX-License-Identifier: Apache-2.0
"""Quantizes a tiny Llama with random weights, to show that a configuration works."""

from __future__ import annotations

import contextlib
import sys

from qconfig_client import Config


def quantize(model_type: str, config: Config) -> str:
    """Quantizes the model and describes the result. Requires amd-quark, torch and transformers."""
    if model_type != "llama":
        return "not quantized: the tiny model is a llama"
    with contextlib.redirect_stdout(sys.stderr):  # Quark logs to standard output
        import torch
        from quark.torch import ModelQuantizer
        from transformers import LlamaConfig, LlamaForCausalLM

        torch.manual_seed(0)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=128,
                hidden_size=64,
                intermediate_size=128,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=64,
            )
        ).eval()
        linear = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
        text = torch.randint(0, 128, (1, 32))
        calibration = [torch.randint(0, 128, (1, 32)) for _ in range(4)]
        with torch.no_grad():
            before = model(text).logits
        quantizer = ModelQuantizer(config.to_quark())
        model = quantizer.freeze(quantizer.quantize_model(model, calibration))
        with torch.no_grad():
            after = model(text).logits
        quantized = sum(type(model.get_submodule(name)) is not torch.nn.Linear for name in linear)
        change = float((after - before).norm() / before.norm())
    return f"{quantized} of {len(linear)} linear layers quantized, output changed by {change:.2%}"
