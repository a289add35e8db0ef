"""What profiles say of layers and of photos, against real modules and transformers' own processors."""

from typing import Any

import pytest
from torch import nn

from realign_edge.alignment.headroom import geometry_before_loading, shape_of
from realign_edge.alignment.memory import geometry_of
from realign_edge.errors import UsageError
from realign_edge.modelstore.facts import facts_of
from realign_edge.vlm.decoder import Decoder, decoder_of
from realign_edge.vlm.load import load_vlm
from realign_edge.vlm.resolution import looking_at


def test_the_decoders_layers_are_as_stated(case: Any) -> None:
    text, decoder = case.vlm.model.config.get_text_config(), case.vlm.language_model
    layer, eager = decoder.layers[0], decoder.config._attn_implementation == "eager"
    widths = [len(m.weight) for m in layer.modules() if "Norm" in type(m).__name__]
    found = Decoder(
        text.model_type,
        norms=widths.count(text.hidden_size),
        head_norms=len(widths) > widths.count(text.hidden_size),
        fused_mlp=isinstance(layer.mlp.act_fn, nn.SiLU) or "SiLU" in type(layer.mlp.act_fn).__name__,
        eager=eager,
        capped=eager and bool(getattr(text, "attn_logit_softcapping", None)),
    )
    assert decoder_of(text.model_type) == found


def test_what_is_counted_before_loading_is_what_is_loaded(case: Any) -> None:
    folder = case.folder / "model"
    small = load_vlm(str(folder), quantization="nf4")
    told = geometry_before_loading(facts_of(folder).parameters, shape_of(folder), small.device, base=0)
    found = geometry_of(small, base=0)
    for name in ("layers", "hidden", "intermediate", "queries", "keys", "heads", "vocabulary", "decoder", "deep"):
        assert getattr(told, name) == getattr(found, name), name


def test_photos_take_no_more_tokens_than_they_may(case: Any) -> None:
    family, image = case.vlm.family, case.images["d"].resize((1700, 600))
    usual = case.vlm.look(image)
    if family.resolution is None:
        with pytest.raises(UsageError, match="photo_tokens = 64: the checkpoint says how many tokens"):
            looking_at(family, 64)
        return
    fewest = 64 if family.resolution.by == "area" else family.resolution.unit
    with pytest.raises(UsageError, match=f"photo_tokens = {fewest - 1} is too few"):
        looking_at(family, fewest - 1)
    # Tiles are counted with the profile's tokens; the tiny model's have fewer.
    coarse = load_vlm(str(case.folder / "model"), photo_tokens=fewest)
    placeholders = int((coarse.look(image).tokens == coarse.image_token_id).sum())
    assert 0 < placeholders <= coarse.family.photo_tokens == fewest
    assert placeholders < int((usual.tokens == coarse.image_token_id).sum())
    assert coarse.vision_fingerprint != case.vlm.vision_fingerprint
    assert coarse.fingerprint != case.vlm.fingerprint
    same = load_vlm(str(case.folder / "model"))
    assert (same.fingerprint, same.vision_fingerprint) == (case.vlm.fingerprint, case.vlm.vision_fingerprint)


def test_the_profiles_own_photo_tokens_are_what_its_limits_reach(case: Any) -> None:
    family = case.vlm.family
    if family.resolution is not None:
        assert family.resolution.reached(family.limits) == family.photo_tokens
        assert looking_at(family, family.photo_tokens) == family
    assert looking_at(family, 0) is family
