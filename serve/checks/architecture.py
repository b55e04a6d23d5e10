"""The sizes of a model: its parameters, its key-value cache, the state of its linear attention.

`serve/checks/config.py` reads it from the file.
"""

from __future__ import annotations

from pydantic import Field

from podium.spec import Spec
from serve.checks import precision

COUNTED = frozenset(
    {
        "LlamaForCausalLM",
        "MistralForCausalLM",
        "MixtralForCausalLM",
        "Qwen2ForCausalLM",
        "Qwen3ForCausalLM",
        "Qwen3MoeForCausalLM",
        "Qwen3NextForCausalLM",
    }
)
"""Those whose parameters are counted exactly; of others a count as if they were Llama's is a guess."""


class LinearAttention(Spec):
    """The gated delta rule of Qwen3-Next: in place of keys and values, one state a sequence, however long it is."""

    layers: int
    key_heads: int
    value_heads: int
    key_dim: int
    """Of one head."""
    value_dim: int
    """Of one head."""
    kernel: int
    """Width of the causal convolution."""

    @property
    def keys(self) -> int:
        return self.key_heads * self.key_dim

    @property
    def values(self) -> int:
        return self.value_heads * self.value_dim

    def state_bytes(self, tensor: int, element: float, matrix: float) -> float:
        """One layer's state on one of `tensor` GPUs: (kernel - 1) x (2 keys + values) numbers of the convolution, of
        `element` bytes, and key_dim x value_dim for each value head, of `matrix` bytes (vLLM's
        `gated_delta_net_state_shape`)."""
        convolution = (self.kernel - 1) * (2 * self.keys + self.values)
        return (convolution * element + self.value_heads * self.key_dim * self.value_dim * matrix) / tensor


class Architecture(Spec):
    """The sizes of one model."""

    name: str
    """Its class in Transformers: `Qwen3MoeForCausalLM`."""
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int
    """Most tokens that its positions reach (`max_position_embeddings`); 0: not said."""
    tied: bool
    """Whether the output head is the embedding."""
    wide: int
    """Columns of the feed-forward activations of one token, all active experts together."""
    split: tuple[int, ...] = ()
    """Other sizes that tensor parallelism must divide."""
    matrices: int
    """Parameters of the layers' matrices, which a quantisation makes smaller."""
    rest: int
    """Parameters of the layers that keep the model's own type: norms, biases, routers, convolutions."""
    linear: LinearAttention | None = None
    quantization: str = ""
    """Method of its `quantization_config`; empty: none."""
    matrix_bytes: float | None = Field(None, gt=0)
    """Bytes of a quantised parameter; None: as the others."""

    @property
    def counted(self) -> bool:
        """Whether the count is exact."""
        return self.name in COUNTED

    @property
    def embedding(self) -> int:
        return self.vocabulary * self.hidden

    @property
    def parameters(self) -> int:
        """All of them; a tied embedding counts once."""
        return self.embedding * (1 if self.tied else 2) + self.matrices + self.rest

    @property
    def attention_layers(self) -> int:
        """Layers that keep keys and values."""
        return self.layers - (self.linear.layers if self.linear else 0)

    @property
    def shape(self) -> tuple[object, ...]:
        """The same for two models that differ in the precision of their weights alone."""
        return self.name, self.layers, self.hidden, self.vocabulary, self.matrices, self.rest, self.context

    def token_numbers(self, tensor: int) -> int:
        """Numbers that one token leaves in one layer's cache on one of `tensor` GPUs: 2 x kv_heads / tensor x head_dim,
        and at least one head a GPU (vLLM's `get_num_kv_heads`)."""
        return 2 * max(1, self.kv_heads // tensor) * self.head_dim

    def weight_bytes(self, dtype: str = "auto", quantization: str = "") -> float:
        """Bytes of all weights in memory, under the engine arguments of these names."""
        element = precision.of_dtype(dtype)
        matrix = self.matrix_bytes or precision.ONLINE.get(quantization, element)
        return (self.parameters - self.matrices) * element + self.matrices * matrix

    def undivided(self, tensor: int) -> str:
        """Why it cannot be split over `tensor` GPUs; empty: it can. The conditions are vLLM's own."""
        if self.heads % tensor:
            return f"its {self.heads} attention heads cannot be split over {tensor} GPUs"
        if self.kv_heads % tensor and tensor % self.kv_heads:
            return f"its {self.kv_heads} key-value heads cannot be split over {tensor} GPUs, nor repeated"
        for size in self.split:
            if size % tensor:
                return f"{size} (of its experts or linear attention) cannot be split over {tensor} GPUs"
        return ""
