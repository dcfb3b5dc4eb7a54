import pytest

from alsolike.configuration.experiments import PLANNED_ANSWERS
from alsolike.configuration_document.document import parse, to_document
from tests.unit.alsolike.refused_documents import faults, only_fault

MARCH, APRIL, MAY = (f"2026-0{month}-01T00:00:00Z" for month in (3, 4, 5))
EVEN = {"a": {"share": 0.5}, "b": {"share": 0.5}}


def halves(**target):
    return {"a": {"share": 0.5}, "b": {"share": 0.5, **target}}


def documented(**experiments):
    stated = {name.replace("_", "-"): {"start": MARCH, "arms": EVEN} | each for name, each in experiments.items()}
    return {"format": 1, "rules": {"spring": {}, "summer": {}}, "experiments": stated}


def messages(document):
    return [str(fault) for fault in faults(document)]


def test_experiment_defaults_are_for_you_and_planned_responses():
    experiment = parse(documented(one={})).experiments["one"]

    assert (experiment.on, experiment.planned_answers) == (("for-you",), PLANNED_ANSWERS)


def test_experiment_is_unchanged_after_parse_and_write():
    stated = {"layer": "item", "on": ["similar-items", "bought-together"], "planned_answers": 5_000}

    configuration = parse(documented(one=stated))
    experiment = configuration.experiments["one"]

    assert (experiment.on, experiment.planned_answers) == (("similar-items", "bought-together"), 5_000)
    assert parse(to_document(configuration)).experiments == configuration.experiments


@pytest.mark.parametrize(
    ("stated", "fault"),
    [
        ({"on": []}, "experiments.one.on is [], expected one recommender or more"),
        ({"on": "for-you"}, 'experiments.one.on is "for-you", expected a list'),
        ({"on": ["for-me"]}, 'experiments.one.on[0] is "for-me", expected one of for-you, similar-items'),
        ({"planned_answers": 0}, "experiments.one.planned_answers is 0, expected a whole number from 1"),
        ({"arms": halves(recommender="for-me")}, 'recommender is "for-me", expected a recommender: one of for-you'),
        ({"arms": halves(rules="winter")}, 'rules is "winter", expected the name of a rule set: one of spring, summer'),
        ({"start": "2026-03-01"}, 'start is "2026-03-01", expected a time from 2000 to 2199 with its zone'),
        ({"end": MARCH}, "experiments.one.end is"),
        ({"arms": halves(rules="spring", model="v1")}, "experiments.one.arms.b states rules and model, expected one"),
        ({"arms": halves(model="../v1")}, 'model is "../v1", expected a model version'),
        ({"arms": {"a b": {"share": 0.5}, "b": {"share": 0.5}}}, 'experiments.one.arms["a b"] is not a valid name'),
        ({"arms": {"a": {"share": 0.5}}}, "experiments.one.arms has 1 arms, expected 2 to 20"),
        ({"arms": {"a": {"share": 0.5}, "b": {"share": 0.4}}}, "experiments.one.arms has shares that add up to 0.9"),
        ({"arms": {"a": {"share": 0.5}, "b": {"share": 0.6}}}, "experiments.one.arms has shares that add up to 1.1"),
        (
            {"arms": halves(recommender="similar-items")},
            "recommender is 'similar-items', which starts from an item, but requests for for-you may lack an item",
        ),
        (
            {"on": ["personalized-ranking"], "arms": halves(recommender="for-you")},
            "recommender is 'for-you', which cannot answer requests for personalized-ranking",
        ),
        (
            {"arms": halves(recommender="personalized-ranking")},
            "recommender is 'personalized-ranking', which cannot answer requests for for-you",
        ),
    ],
)
def test_experiment_that_cannot_be_served_is_refused(stated, fault):
    (found,) = messages(documented(one=stated))

    assert fault in found


@pytest.mark.parametrize(
    ("on", "recommender"),
    [("for-you", "for-you"), ("for-you", "popular"), ("similar-items", "bought-together"), ("popular", "buy-again")],
)
def test_recommender_with_compatible_inputs_is_accepted(on, recommender):
    parse(documented(one={"on": [on], "arms": halves(recommender=recommender)}))


def test_two_layers_that_set_the_same_property_of_a_request_are_refused():
    one = {"layer": "one", "on": ["for-you", "buy-again"], "arms": halves(rules="spring")}

    (found,) = messages(documented(one=one, two={"layer": "two", "arms": halves(rules="summer")}))

    assert found.startswith("experiments.two sets the rules of requests for for-you at the same time as one")


@pytest.mark.parametrize(
    "other",
    [
        {"arms": halves(model="v2")},
        {"arms": halves(rules="summer"), "on": ["buy-again"]},
        {"arms": halves(rules="summer"), "start": APRIL},
    ],
)
def test_layers_without_overlap_may_set_the_same_property(other):
    parse(documented(one={"layer": "one", "end": APRIL, "arms": halves(rules="spring")}, two={"layer": "two", **other}))


def test_more_than_three_experiments_per_response_are_refused():
    layers = {f"e{number}": {"layer": f"layer-{number}"} for number in range(4)}

    (found,) = messages(documented(**layers))

    assert found.startswith("experiments.e3 is one of 4 experiments on for-you at 2026-03-01T00:00:00Z, expected 3")
    parse(documented(**layers | {"e3": {"layer": "layer-3", "on": ["popular"]}}))
    parse(documented(**{name: each | {"end": APRIL} for name, each in layers.items()} | {"e3": {"start": APRIL}}))


def test_fourth_experiment_is_refused_at_the_start_of_the_overlap():
    later = {f"e{number}": {"layer": f"layer-{number}", "start": APRIL, "end": MAY} for number in range(3)}

    (found,) = messages(documented(**later, early={"layer": "early"}))

    assert found.startswith("experiments.early is one of 4 experiments on for-you at 2026-04-01T00:00:00Z")


def test_more_than_the_maximum_of_model_versions_is_refused():
    of = {f"e{n}": {"layer": f"l{n}", "on": [on], "arms": halves(model=f"v{n}")} for n, on in
          enumerate(("for-you", "popular", "buy-again"))}  # fmt: skip

    (found,) = messages(documented(**of))

    assert found.startswith("experiments.e2 is one of the experiments that use 3 model versions")
    parse(documented(**of | {"e2": {**of["e2"], "arms": halves(model="v1")}}))


def test_overlapping_experiments_of_one_layer_are_refused():
    document = documented(
        first={"end": APRIL},
        next={"start": APRIL},
        elsewhere={"start": APRIL, "layer": "search"},
        too_much={"start": MAY, "end": None},
    )

    fault = only_fault(document)

    assert (fault.path, fault.at_key) == (("experiments", "too-much"), True)
    assert "runs at the same time as next in the layer 'default'" in fault.message
