# SPDX-License-Identifier: Apache-2.0
"""Makes model folders for tests: config.json, indexes, and safetensors files without data."""

import json
import math
import pathlib
import struct

BYTES = {"BF16": 2, "F32": 4, "F8_E4M3": 1}


def write_safetensors(path, tensors):
    """Writes {name: (dtype, shape)}. The data takes no space on the disk."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape) in tensors.items():
        begin, end = end, end + BYTES[dtype] * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def write_model(folder, model_type, tensors, shards=2, with_shards=True):
    """Writes a checkpoint with an index into the folder."""
    folder = pathlib.Path(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    names = list(tensors)
    files = {}
    for i in range(shards):
        part = {name: tensors[name] for name in names[i::shards]}
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        files.update({name: file for name in part})
        if with_shards:
            write_safetensors(folder / file, part)
    index = {"metadata": {"total_size": 0}, "weight_map": files}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def llama(layers=4, hidden=256):
    """The tensors of a small Llama."""
    tensors = {"model.embed_tokens.weight": ("BF16", [1024, hidden]), "lm_head.weight": ("BF16", [1024, hidden])}
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            tensors[f"{prefix}self_attn.{name}.weight"] = ("BF16", [hidden, hidden])
        for name in ("gate_proj", "up_proj"):
            tensors[f"{prefix}mlp.{name}.weight"] = ("BF16", [4 * hidden, hidden])
        tensors[f"{prefix}mlp.down_proj.weight"] = ("BF16", [hidden, 4 * hidden])
        tensors[f"{prefix}input_layernorm.weight"] = ("BF16", [hidden])
    return {**tensors, "model.norm.weight": ("BF16", [hidden])}


def deepseek_v3():
    """The tensors of a model with the size of DeepSeek-V3: 61 layers, 256 experts, 45,092 modules."""
    tensors = {"model.embed_tokens.weight": ("BF16", [129280, 7168]), "lm_head.weight": ("BF16", [129280, 7168])}

    def add(name, outputs, inputs):
        tensors[name + ".weight"] = ("F8_E4M3", [outputs, inputs])
        tensors[name + ".weight_scale_inv"] = ("F32", [math.ceil(outputs / 128), math.ceil(inputs / 128)])

    def add_mlp(prefix, inner):
        add(prefix + ".gate_proj", inner, 7168)
        add(prefix + ".up_proj", inner, 7168)
        add(prefix + ".down_proj", 7168, inner)

    for layer in range(61):
        prefix = f"model.layers.{layer}."
        for name, shape in (
            ("q_a_proj", (1536, 7168)),
            ("q_b_proj", (24576, 1536)),
            ("kv_a_proj_with_mqa", (576, 7168)),
            ("kv_b_proj", (32768, 512)),
            ("o_proj", (7168, 16384)),
        ):
            add(f"{prefix}self_attn.{name}", *shape)
        tensors[prefix + "input_layernorm.weight"] = ("BF16", [7168])
        if layer < 3:
            add_mlp(prefix + "mlp", 18432)
            continue
        tensors[prefix + "mlp.gate.weight"] = ("BF16", [256, 7168])
        tensors[prefix + "mlp.gate.e_score_correction_bias"] = ("F32", [256])
        add_mlp(prefix + "mlp.shared_experts", 2048)
        for expert in range(256):
            add_mlp(f"{prefix}mlp.experts.{expert}", 2048)
    return tensors
