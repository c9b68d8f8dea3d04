"""Micro checkpoints of DeepSeek-V2 and V3 with the logits that transformers computes, and YaRN frequencies.

    pip install torch==2.15.0 transformers==5.23.0 compressed-tensors==0.20.0 safetensors numpy
    python tools/make-model-fixtures/deepseek.py packages/runtime/src/__fixtures__/deepseek

Each folder: a checkpoint with random weights and golden.safetensors with the f32 logits of three prompts, from the
checkpoint as it lies there, loaded as f32. The quantized one is packed by compressed-tensors; its logits are those of
the same checkpoint with each quantized weight replaced by its code times its scale, in f32.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import compressed_tensors
import torch
import transformers
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

SIZES = dict(
    vocab_size=64, hidden_size=32, intermediate_size=48, moe_intermediate_size=16, num_hidden_layers=2,
    num_attention_heads=2, num_key_value_heads=2, n_routed_experts=8, num_experts_per_tok=3,
    kv_lora_rank=20, qk_nope_head_dim=12, qk_rope_head_dim=8, v_head_dim=10,
    first_k_dense_replace=1, moe_layer_freq=1, max_position_embeddings=128, hidden_act="silu",
    # Not the 1e-6 of the two norms inside attention.
    rms_norm_eps=1e-3, tie_word_embeddings=False, attention_bias=False, bos_token_id=0, eos_token_id=1,
)
V2 = dict(architectures=["DeepseekV2ForCausalLM"], model_type="deepseek_v2", scoring_func="softmax", norm_topk_prob=False)
V3 = dict(architectures=["DeepseekV3ForCausalLM"], model_type="deepseek_v3", scoring_func="sigmoid", norm_topk_prob=True,
          topk_method="noaux_tc", n_group=4, topk_group=2, routed_scaling_factor=2.5)
YARN = dict(beta_fast=32, beta_slow=1, factor=4, original_max_position_embeddings=32)

CONFIGS = {
    "v2-lite": {**SIZES, **V2, "q_lora_rank": None, "topk_method": "greedy", "n_group": 1, "topk_group": 1,
                "n_shared_experts": 2, "routed_scaling_factor": 1.0, "rope_theta": 10000, "rope_scaling": None},
    # An attention factor other than 1, a softmax scale of its own, biases; the spelling of newer files.
    "v2": {**SIZES, **V2, "q_lora_rank": 24, "topk_method": "group_limited_greedy", "n_group": 4, "topk_group": 2,
           "n_shared_experts": 2, "routed_scaling_factor": 1.7, "attention_bias": True,
           "rope_parameters": dict(rope_type="yarn", rope_theta=10000, mscale=0.9, mscale_all_dim=0.5, **YARN)},
    "v3": {**SIZES, **V3, "q_lora_rank": 24, "n_shared_experts": 1, "num_nextn_predict_layers": 1, "rope_theta": 10000,
           "rope_scaling": dict(type="yarn", mscale=1.0, mscale_all_dim=1.0, **YARN)},
    "v3-w4a16": {**SIZES, **V3, "hidden_size": 64, "intermediate_size": 64, "moe_intermediate_size": 32,
                 "q_lora_rank": 32, "kv_lora_rank": 32, "qk_nope_head_dim": 16, "v_head_dim": 16,
                 "n_shared_experts": 1, "rope_theta": 10000, "rope_scaling": None},
}
QUANTIZED = {"v3-w4a16"}
GROUP = 32
KEPT = r"re:.*mlp\.gate$"
QUANTIZATION = {
    "quant_method": "compressed-tensors", "format": "pack-quantized", "quantization_status": "compressed",
    "ignore": ["lm_head", KEPT], "kv_cache_scheme": None, "version": compressed_tensors.__version__,
    "config_groups": {"group_0": {
        "targets": ["Linear"], "input_activations": None, "output_activations": None,
        "weights": {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": GROUP, "dynamic": False},
    }},
}


def empty_tensors(config):
    """Names and shapes as `save_pretrained` writes them."""
    with tempfile.TemporaryDirectory() as folder:
        AutoModelForCausalLM.from_config(AutoConfig.for_model(**config)).save_pretrained(folder)
        with safe_open(f"{folder}/model.safetensors", "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in sorted(file.keys())}


def fill(name, shape, generator):
    """Weights that keep activations alive, routers that decide, norms and biases that show when they are left out."""
    noise = torch.randn(shape, generator=generator)
    if name.endswith("e_score_correction_bias"):
        return noise * 0.1
    if "norm" in name:
        return (1 + 0.3 * noise).bfloat16()
    if name.endswith("bias"):
        return (0.3 * noise).bfloat16()
    if name.endswith("mlp.gate.weight"):
        return (noise * 4 / shape[-1] ** 0.5).bfloat16()
    return (noise * 1.4 / shape[-1] ** 0.5).bfloat16()


def quantize(weight):
    """4-bit codes and bf16 scales of runs of GROUP inputs."""
    runs = weight.float().unflatten(1, (-1, GROUP))
    scale = (runs.abs().amax(-1) / 7.5).bfloat16()
    codes = (runs / scale.float()[..., None]).round().clamp(-8, 7).to(torch.int8)
    return codes.flatten(1), scale, (codes.float() * scale.float()[..., None]).flatten(1)


def is_quantized(name):
    return name.endswith("_proj.weight") or name.endswith("kv_a_proj_with_mqa.weight")


def logits_of(tensors, config, prompts):
    with tempfile.TemporaryDirectory() as folder:
        save_file(tensors, f"{folder}/model.safetensors", metadata={"format": "pt"})
        Path(folder, "config.json").write_text(json.dumps(config))
        model, info = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
        assert not info["missing_keys"] and not info["mismatched_keys"], info
        with torch.no_grad():
            return [model.eval()(ids[None]).logits[0].float().contiguous() for ids in prompts]


def make(target, name, config):
    generator = torch.Generator().manual_seed(7)
    tensors = {key: fill(key, shape, generator) for key, shape in empty_tensors(config).items()}
    prompts = [torch.randint(0, config["vocab_size"], (length,), generator=generator) for length in (1, 7, 40)]
    stored, hashes = dict(tensors), {}
    if name in QUANTIZED:
        for key in filter(is_quantized, list(tensors)):
            module = key.removesuffix(".weight")
            codes, scale, tensors[key] = quantize(stored.pop(key))
            stored[f"{module}.weight_packed"] = pack_to_int32(codes, 4)
            stored[f"{module}.weight_scale"] = scale
            stored[f"{module}.weight_shape"] = torch.tensor(codes.shape)
            hashes[module] = hashlib.sha256(tensors[key].contiguous().numpy().tobytes()).hexdigest()
    logits = logits_of(tensors, config, prompts)
    for extra in range(config.get("num_nextn_predict_layers", 0)):
        prefix, width = f"model.layers.{config['num_hidden_layers'] + extra}", config["hidden_size"]
        for key, shape in {"enorm": (width,), "hnorm": (width,), "eh_proj": (width, 2 * width)}.items():
            stored[f"{prefix}.{key}.weight"] = fill(f"{prefix}.{key}.weight", shape, generator)

    folder = target / name
    folder.mkdir(parents=True, exist_ok=True)
    written = {**config, **({"quantization_config": QUANTIZATION} if name in QUANTIZED else {})}
    (folder / "config.json").write_text(json.dumps(written, indent=1) + "\n")
    save_file({key: stored[key].contiguous() for key in sorted(stored)}, folder / "model.safetensors", metadata={"format": "pt"})
    golden = {}
    for index, (ids, values) in enumerate(zip(prompts, logits)):
        golden[f"input_ids_{index}"], golden[f"logits_{index}"] = ids, values
    save_file(golden, folder / "golden.safetensors", metadata={"format": "pt"})
    if hashes:
        (folder / "golden.json").write_text(json.dumps({"weight_sha256": hashes}, indent=1) + "\n")
    print(name, [float(values.abs().max()) for values in logits])


def yarn():
    cases = {
        "DeepSeek-V2-Lite": (10000, 64, 163840, dict(
            beta_fast=32, beta_slow=1, factor=40, mscale=0.707, mscale_all_dim=0.707, original_max_position_embeddings=4096)),
        "two magnitudes": (10000, 16, 128, dict(mscale=0.9, mscale_all_dim=0.5, **YARN)),
        "Qwen2.5": (1000000.0, 128, 32768, dict(factor=4.0, original_max_position_embeddings=32768)),
        "not truncated, context of the model": (10000, 32, 2048, dict(factor=8, truncate=False, beta_fast=16, beta_slow=2)),
    }
    for name, (theta, size, context, scaling) in cases.items():
        config = transformers.LlamaConfig(
            head_dim=size, max_position_embeddings=context, rope_parameters=dict(rope_type="yarn", rope_theta=theta, **scaling))
        frequencies, factor = ROPE_INIT_FUNCTIONS["yarn"](config)
        written = dict(rope_theta=theta, max_position_embeddings=context, rope_scaling=dict(rope_type="yarn", **scaling))
        yield dict(name=name, headSize=size, config=written, attentionFactor=factor, inverseFrequencies=frequencies.tolist())


def main():
    target = Path(sys.argv[1])
    for name, config in CONFIGS.items():
        make(target, name, config)
    (target / "yarn.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in yarn()) + "\n]\n")
    (target / "provenance.json").write_text(json.dumps({
        "made_by": "tools/make-model-fixtures/deepseek.py",
        "made_with": {"torch": torch.__version__, "transformers": transformers.__version__,
                      "compressed-tensors": compressed_tensors.__version__},
        "weights": "random",
    }, indent=1) + "\n")


if __name__ == "__main__":
    main()
