"""A network of a shop's own computes the same, whatever file it comes in."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shoplens.cores import Cores
from shoplens.engines import OnnxModel, SavedModel, open_model
from shoplens.models import ModelError

SIDE = 6
WEIGHTS = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
BATCH = np.random.default_rng(1).normal(size=(5, SIDE, SIDE, 3)).astype(np.float32)
EXPECTED = BATCH.mean(axis=(1, 2)) @ WEIGHTS


def onnx_file(path: Path, *, batch: int | str = "n") -> Path:
    """The mean over the picture, times a matrix."""
    from onnx import TensorProto, helper, numpy_helper, save_model

    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["looks"]),
    ]
    taken = helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])
    given = helper.make_tensor_value_info("looks", TensorProto.FLOAT, [batch, 4])
    graph = helper.make_graph(nodes, "mean", [taken], [given], [numpy_helper.from_array(WEIGHTS, "weights")])
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tf = pytest.importorskip("tensorflow", reason="a SavedModel needs the train extra")

    class Mean(tf.Module):  # type: ignore[misc, name-defined]
        @tf.function(input_signature=[tf.TensorSpec((None, SIDE, SIDE, 3), tf.float32, "image")])  # type: ignore[untyped-decorator]
        def serve(self, image: Any) -> dict[str, Any]:
            return {"looks": tf.reduce_mean(image, (1, 2)) @ tf.constant(WEIGHTS)}

    folder, module = tmp_path_factory.mktemp("model") / "saved", Mean()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    return folder


@pytest.mark.parametrize("batch", ["n", 1])
def test_onnx_whether_it_takes_many_pictures_at_once_or_one(tmp_path: Path, batch: int | str) -> None:
    model = open_model(onnx_file(tmp_path / "mean.onnx", batch=batch), Cores(2))
    assert isinstance(model, OnnxModel)
    np.testing.assert_allclose(model(np.moveaxis(BATCH, -1, 1))["looks"], EXPECTED, atol=1e-5)


def test_a_graphics_card_comes_first_and_tensorrt_never(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    steps: list[object] = []
    real = onnxruntime.InferenceSession
    built_for = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]

    def session(path: str, options: object, providers: list[str]) -> object:
        steps.append(providers)
        return real(path, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built_for)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: steps.append("CUDA's libraries"))
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    open_model(onnx_file(tmp_path / "mean.onnx"), Cores(2))
    assert steps == ["CUDA's libraries", ["CUDAExecutionProvider", "CPUExecutionProvider"]]


def test_a_saved_model(saved_model: Path) -> None:
    model = open_model(saved_model, Cores(2))
    assert isinstance(model, SavedModel)
    np.testing.assert_allclose(model(BATCH)["looks"], EXPECTED, atol=1e-5)
    with pytest.raises(ValueError, match="does not take this input"):
        model(BATCH[..., :2])


def test_many_threads_get_one_threads_answer(tmp_path: Path) -> None:
    model, found = open_model(onnx_file(tmp_path / "mean.onnx"), Cores(2)), []
    threads = [threading.Thread(target=lambda: found.append(model(np.moveaxis(BATCH, -1, 1))["looks"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    for each in found:
        np.testing.assert_allclose(each, EXPECTED, atol=1e-5)


def test_an_input_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not take this input"):
        open_model(onnx_file(tmp_path / "mean.onnx"), Cores(1))(BATCH)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"nothing of the kind")
    (tmp_path / "a.tflite").write_bytes(b"nothing of the kind")
    for path in (tmp_path / "a.onnx", tmp_path / "a.tflite"):
        with pytest.raises(ModelError, match="this is not"):
            open_model(path, Cores(1))


def test_a_folder_that_is_no_saved_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="a SavedModel needs the train extra")
    with pytest.raises(ModelError, match="this is not a SavedModel"):
        open_model(tmp_path, Cores(1))
