"""PyTorch, Lightning and Transformers, with tiny models of random weights; left out where they are not installed."""

import mlflow
import numpy
from mlflow import MlflowClient

from ..session import flow, session
from .autologging import autologging, table, the_run


@flow("torch")
def a_torch_module_is_logged_and_loaded():
    import torch

    session.experiment()
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    data = numpy.ones((2, 3), dtype=numpy.float32)
    name = session.named("torch")
    with mlflow.start_run(run_name="torch"):
        for epoch in range(3):
            mlflow.log_metric("loss", 1 / (epoch + 1), step=epoch)
            info = mlflow.pytorch.log_model(
                module, name=f"checkpoint-{epoch}", step=epoch, pip_requirements=["torch"], serialization_format="pickle",
                signature=mlflow.models.infer_signature(data, data[:, :1]),
            )
        mlflow.pytorch.log_state_dict(module.state_dict(), "state")
    mlflow.register_model(info.model_uri, name)
    MlflowClient().set_registered_model_alias(name, "champion", 1)
    expected = module(torch.from_numpy(data)).detach().numpy()
    loaded = mlflow.pytorch.load_model(f"models:/{name}@champion")
    assert numpy.allclose(loaded(torch.from_numpy(data)).detach().numpy(), expected)
    assert numpy.allclose(mlflow.pyfunc.load_model(f"models:/{name}/1").predict(data), expected)
    return expected.round(5).tolist()


@flow("torch", "pytorch_lightning")
def lightning_trains_with_autologging():
    import pytorch_lightning
    import torch

    experiment = session.experiment()
    torch.manual_seed(0)
    frame, _, target = table()

    class Line(pytorch_lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def forward(self, given):
            return self.layer(given)

        def training_step(self, batch, index):
            loss = torch.nn.functional.mse_loss(self(batch[0]).squeeze(1), batch[1])
            self.log("train_loss", loss, on_epoch=True, on_step=False)
            return loss

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.1)

    features, goal = torch.tensor(frame.to_numpy(), dtype=torch.float32), torch.tensor(target.to_numpy(), dtype=torch.float32)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(features, goal), batch_size=20)
    with autologging(mlflow.pytorch, log_models=False, checkpoint=False):
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        pytorch_lightning.Trainer(max_epochs=3, accelerator="cpu", **quiet).fit(Line(), loader)
    run = the_run(experiment)
    history = MlflowClient().get_metric_history(run.info.run_id, "train_loss")
    assert len(history) == 3 and history[-1].value < history[0].value and run.data.params["lr"] == "0.1", history
    return sorted(run.data.params)


@flow("torch", "transformers", "accelerate")
def a_transformer_is_trained_logged_and_loaded():
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    experiment = session.experiment()
    torch.manual_seed(0)
    words = {word: number for number, word in enumerate(["[UNK]", "[PAD]", "rope", "walk", "long", "short"])}
    inner = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]", pad_token="[PAD]")
    shape = transformers.BertConfig(vocab_size=6, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, num_labels=2)
    model = transformers.BertForSequenceClassification(shape)
    rows = [{**tokenizer("rope walk" if number % 2 else "short long"), "labels": number % 2} for number in range(8)]
    options = transformers.TrainingArguments(
        output_dir="trained", num_train_epochs=2, per_device_train_batch_size=4, logging_steps=3, report_to=["mlflow"], use_cpu=True,
        save_strategy="no", disable_tqdm=True, run_name="trainer",
    )
    with mlflow.start_run(run_name="trainer"):
        transformers.Trainer(model=model, args=options, train_dataset=rows, processing_class=tokenizer).train()
        # The trainer logs in the background, and a model takes the run's parameters over as they are then.
        mlflow.flush_async_logging()
        pipeline = transformers.pipeline("text-classification", model=model.cpu().eval(), tokenizer=tokenizer, device="cpu")
        info = mlflow.transformers.log_model(
            pipeline, name="model", pip_requirements=["transformers"], registered_model_name=session.named("bert"), model_card=None,
            input_example=["rope walk"],
        )
    run = the_run(experiment)
    assert "loss" in run.data.metrics and run.data.params["num_train_epochs"] == "2"
    expected = pipeline("rope walk")[0]["label"]
    loaded = mlflow.transformers.load_model(f"models:/{session.named('bert')}/1")
    assert loaded("rope walk")[0]["label"] == expected, (loaded("rope walk"), pipeline("rope walk"))
    assert mlflow.pyfunc.load_model(info.model_uri).predict(["rope walk"])["label"][0] == expected
    return expected
