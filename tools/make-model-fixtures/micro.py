"""Micro checkpoints of architectures, unquantized, with the logits that transformers computes. Models that see get text alone.

    pip install torch==2.15.0 transformers==5.23.0 safetensors numpy
    python tools/make-model-fixtures/micro.py packages/runtime/src/__fixtures__

Each folder: the checkpoint as `save_pretrained` writes it (random weights, bf16) and golden.safetensors with the f32 logits
of three prompts.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, Mistral3Config,
    Mistral3ForConditionalGeneration, MistralConfig, MistralForCausalLM, PixtralVisionConfig, Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration, Qwen2MoeConfig, Qwen2MoeForCausalLM, Qwen2VLConfig,
    Qwen2VLForConditionalGeneration, Qwen3VLConfig, Qwen3VLForConditionalGeneration,
)

SIZES = dict(
    vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
    num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64,
)
TOKENS = dict(image_token_id=36, video_token_id=37, vision_start_token_id=38, vision_end_token_id=39)
EYE = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, image_size=8, patch_size=4)
QWEN_EYE = dict(depth=1, num_heads=1, patch_size=4, spatial_merge_size=1)


def axes(theta, section, **more):
    return dict(rope_type="default", rope_theta=theta, mrope_section=section, **more)


def models():
    yield "decoders/micro-mistral", MistralForCausalLM(MistralConfig(**SIZES, head_dim=8, sliding_window=6))
    yield "decoders/micro-qwen2-moe", Qwen2MoeForCausalLM(Qwen2MoeConfig(
        **SIZES, moe_intermediate_size=12, shared_expert_intermediate_size=20, num_experts=4, num_experts_per_tok=2,
        mlp_only_layers=[0]))
    yield "multimodal/micro-llava", LlavaForConditionalGeneration(LlavaConfig(
        text_config=LlamaConfig(**SIZES), vision_config=CLIPVisionConfig(**EYE, projection_dim=8), image_token_index=36))
    yield "multimodal/micro-mistral3", Mistral3ForConditionalGeneration(Mistral3Config(
        text_config=MistralConfig(**SIZES, head_dim=16), vision_config=PixtralVisionConfig(**EYE), image_token_index=36))
    yield "multimodal/micro-qwen2-vl", Qwen2VLForConditionalGeneration(Qwen2VLConfig(
        text_config={**SIZES, "rope_parameters": axes(1e6, [2, 1, 1])},
        vision_config=dict(**QWEN_EYE, embed_dim=8, hidden_size=16, mlp_ratio=1), **TOKENS))
    yield "multimodal/micro-qwen2-5-vl", Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(
        text_config={**SIZES, "rope_parameters": axes(1e6, [2, 1, 1])},
        vision_config=dict(**QWEN_EYE, hidden_size=8, intermediate_size=8, out_hidden_size=16,
                           fullatt_block_indexes=[0]), **TOKENS))
    yield "multimodal/micro-qwen3-vl", Qwen3VLForConditionalGeneration(Qwen3VLConfig(
        text_config={**SIZES, "head_dim": 16, "rope_parameters": axes(5e6, [4, 2, 2], mrope_interleaved=True)},
        vision_config=dict(**QWEN_EYE, hidden_size=8, intermediate_size=8, out_hidden_size=16,
                           deepstack_visual_indexes=[0], num_position_embeddings=4), **TOKENS))


def fill(model):
    """Weights of a size that keeps activations alive, norms around one, biases that show when they are left out."""
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        noise = torch.randn_like(parameter)
        if parameter.ndim == 1:
            parameter.data = 1 + 0.2 * noise if "norm" in name else 0.1 * noise
        else:
            parameter.data = noise * (0.5 if "embed" in name else 1.3 * parameter.shape[-1] ** -0.5)


def record(folder, model):
    fill(model)
    model.to(torch.bfloat16).save_pretrained(folder)
    # Read back: a model turned to bf16 and back has lost bits of its rotary frequencies, which are in no file.
    model = type(model).from_pretrained(folder, dtype=torch.float32).eval()
    golden = {}
    for index, length in enumerate((1, 7, 20)):
        torch.manual_seed(index)
        ids = torch.randint(0, 36, (length,))
        golden[f"input_ids_{index}"] = ids
        with torch.no_grad():
            mask = torch.ones(1, length, dtype=torch.long)
            logits = model(input_ids=ids[None], attention_mask=mask, use_cache=False).logits[0]
        golden[f"logits_{index}"] = logits.contiguous()
    save_file(golden, folder / "golden.safetensors")
    (folder / "generation_config.json").unlink(missing_ok=True)
    provenance = {
        "library": {"transformers": transformers.__version__, "torch": torch.__version__},
        "made_by": "tools/make-model-fixtures/micro.py",
        "logits": "float32 forward of the weights as they are in the file (bf16), no images",
    }
    (folder / "provenance.json").write_text(json.dumps(provenance, indent=2) + "\n")


torch.set_num_threads(1)
target = Path(sys.argv[1])
for name, model in models():
    record(target / name, model)
    print(name, sum(file.stat().st_size for file in (target / name).iterdir()))
