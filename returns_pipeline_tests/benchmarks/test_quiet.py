"""The twin that a quiet sync is measured against is the same graph, or the ratio means nothing."""

from returns_pipeline.definitions import defs
from returns_pipeline_tests.benchmarks.quiet import empty_twin


def test_the_empty_twin_has_the_same_steps_assets_and_checks():
    real, twin = defs().resolve_job_def("returns_sync"), empty_twin()
    assert {node.name for node in twin.nodes} == {node.name for node in real.nodes}
    assert twin.asset_layer.selected_asset_keys == real.asset_layer.selected_asset_keys
    assert twin.asset_layer.asset_graph.asset_check_keys == real.asset_layer.asset_graph.asset_check_keys
    assert twin.executor_def.name == real.executor_def.name
