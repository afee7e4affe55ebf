"""A batch in several hands, as far as one process can see: draws, parts, and what accumulating keeps."""

from __future__ import annotations

import pytest
import torch

from inspection.errors import ConfigError, TrainingError
from pretrain.flaws import add_flaws
from pretrain.networks.networks import Networks
from pretrain.processes.distributed import Team, all_or_none, exchange, from_leader, joined
from pretrain.processes.one_batch import Share, current_share, draw_rows, gather, mean_of_all, row_before, sharing
from pretrain.processes.whole_batch_norm import WholeBatchNorm, spread_batch_norms
from pretrain.recipe import Recipe
from pretrain.training.step import accumulate_gradients
from pretrain.views.sampler import draw_views
from tests.pretrain.tiny import some_images, tiny_networks, tiny_recipe

RECIPE = tiny_recipe()
PARTS = [Share(0, 1, part, 4) for part in range(4)]


def test_rows_of_all_shares_are_the_draws_of_the_whole_batch() -> None:
    whole = torch.rand(8, generator=torch.Generator().manual_seed(1))
    drawn = []
    for share in PARTS:
        generator = torch.Generator().manual_seed(1)
        with sharing(share):
            drawn.append(draw_rows(2, lambda count, of=generator: torch.rand(count, generator=of)))
    assert torch.equal(torch.cat(drawn), whole)
    assert current_share() == Share()


def test_views_of_parts_are_the_views_of_the_whole_batch() -> None:
    images = some_images(8)
    whole = draw_views(images, RECIPE.views, torch.Generator().manual_seed(2))
    for share in PARTS:
        with sharing(share):
            part = draw_views(images[share.rows(2)], RECIPE.views, torch.Generator().manual_seed(2))
        assert torch.equal(part.placement, whole.placement[share.rows(2)])
        assert torch.allclose(part.pixels, whole.pixels[share.rows(2)], atol=1e-6)


def test_flaws_of_parts_lie_where_those_of_the_whole_batch_do() -> None:
    images = some_images(8)
    whole = add_flaws(images, torch.Generator().manual_seed(3))
    same = 0
    for share in PARTS:
        with sharing(share):
            part = add_flaws(images[share.rows(2)], torch.Generator().manual_seed(3))
        close = (part.pixels - whole.pixels[share.rows(2)]).abs().amax(dim=(1, 2, 3)) < 1e-5
        same += int(close.sum())
    # All but those pasted from a neighbour, who may be of another part.
    assert same >= 4


def test_alone_nothing_is_gathered() -> None:
    rows = torch.rand(3, 2, requires_grad=True)
    assert gather(rows) is rows
    assert torch.equal(row_before(rows.detach()), rows.detach().roll(1, 0))
    assert float(mean_of_all(torch.tensor(4.0))) == 4.0
    assert exchange(Team(), {"a": 1}) == [{"a": 1}]
    assert from_leader(Team(), 1.5) == 1.5


def test_an_error_alone_is_the_error_itself() -> None:
    with pytest.raises(ConfigError, match="field: mend it"), all_or_none(Team()):
        raise ConfigError("field", "mend it")


def test_torchruns_variables_must_be_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(TrainingError, match="RANK, WORLD_SIZE, LOCAL_RANK: no numbers: start with torchrun"), joined():
        pass


def test_a_spread_norm_alone_is_the_norm_it_replaced() -> None:
    plain, spread = (tiny_networks(RECIPE) for _ in range(2))
    spread_batch_norms(spread)
    assert spread.state_dict().keys() == plain.state_dict().keys()
    assert any(isinstance(part, WholeBatchNorm) for part in spread.encoder.modules())
    expected, found = (networks.encoder.pooled(some_images(4)) for networks in (plain, spread))
    assert torch.equal(expected, found)
    for name, value in plain.state_dict().items():
        assert torch.equal(value, spread.state_dict()[name]), name


def preserving(accumulate: int) -> tuple[Networks, Recipe]:
    """Networks moved away from their start, with frozen statistics, and a recipe of the one term without contrast."""
    recipe = tiny_recipe(encoder={"freeze_batch_norm": True}, preserve_weight=1.0)
    method = recipe.method.model_copy(update={"global_weight": 0.0, "local_weight": 0.0})
    optimisation = recipe.optimisation.model_copy(update={"accumulate": accumulate})
    recipe = recipe.model_copy(update={"method": method, "optimisation": optimisation})
    networks = tiny_networks(recipe, warm=True)
    with torch.no_grad():
        for weight in networks.encoder.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    return networks, recipe


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_give_the_gradient_of_the_whole_where_images_are_looked_at_one_by_one(parts: int) -> None:
    gradients, totals = [], []
    for accumulate in (1, parts):
        networks, recipe = preserving(accumulate)
        generator = torch.Generator().manual_seed(4)
        totals.append(accumulate_gradients(networks, some_images(8), recipe, generator, Team()).total.item())
        gradients.append({name: w.grad for name, w in networks.encoder.named_parameters() if w.grad is not None})
    whole, in_parts = gradients
    assert totals[1] == pytest.approx(totals[0], rel=1e-5)
    assert totals[0] > 1e-3
    assert whole.keys() == in_parts.keys() != set()
    for name, gradient in whole.items():
        assert torch.allclose(gradient, in_parts[name], rtol=1e-3, atol=1e-6), name


def test_a_batch_that_parts_do_not_divide_is_refused() -> None:
    values = tiny_recipe().model_dump()
    values["optimisation"]["accumulate"] = 3
    with pytest.raises(ValueError, match="batch_size 8 is not to be cut in accumulate = 3 parts"):
        Recipe.model_validate(values)
