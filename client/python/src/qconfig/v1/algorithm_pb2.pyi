# SPDX-License-Identifier: Apache-2.0
from qconfig.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AlgoConfig(_message.Message):
    __slots__ = ["autoround", "autosmoothquant", "awq", "gptaq", "gptq", "qronos", "rotation", "smoothquant", "twobitscalar"]
    AUTOROUND_FIELD_NUMBER: _ClassVar[int]
    AUTOSMOOTHQUANT_FIELD_NUMBER: _ClassVar[int]
    AWQ_FIELD_NUMBER: _ClassVar[int]
    GPTAQ_FIELD_NUMBER: _ClassVar[int]
    GPTQ_FIELD_NUMBER: _ClassVar[int]
    QRONOS_FIELD_NUMBER: _ClassVar[int]
    ROTATION_FIELD_NUMBER: _ClassVar[int]
    SMOOTHQUANT_FIELD_NUMBER: _ClassVar[int]
    TWOBITSCALAR_FIELD_NUMBER: _ClassVar[int]
    autoround: AutoRoundConfig
    autosmoothquant: AutoSmoothQuantConfig
    awq: AwqConfig
    gptaq: GptaqConfig
    gptq: GptqConfig
    qronos: QronosConfig
    rotation: RotationConfig
    smoothquant: SmoothQuantConfig
    twobitscalar: TwoBitScalarConfig
    def __init__(self, awq: _Optional[_Union[AwqConfig, _Mapping]] = ..., gptq: _Optional[_Union[GptqConfig, _Mapping]] = ..., gptaq: _Optional[_Union[GptaqConfig, _Mapping]] = ..., qronos: _Optional[_Union[QronosConfig, _Mapping]] = ..., smoothquant: _Optional[_Union[SmoothQuantConfig, _Mapping]] = ..., autosmoothquant: _Optional[_Union[AutoSmoothQuantConfig, _Mapping]] = ..., rotation: _Optional[_Union[RotationConfig, _Mapping]] = ..., autoround: _Optional[_Union[AutoRoundConfig, _Mapping]] = ..., twobitscalar: _Optional[_Union[TwoBitScalarConfig, _Mapping]] = ...) -> None: ...

class AlgoConfigEntry(_message.Message):
    __slots__ = ["algorithm", "config"]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    algorithm: str
    config: AlgoConfig
    def __init__(self, algorithm: _Optional[str] = ..., config: _Optional[_Union[AlgoConfig, _Mapping]] = ...) -> None: ...

class AutoRoundConfig(_message.Message):
    __slots__ = ["batch_size", "enable_minmax_tuning", "inside_layer_modules", "iters", "lr", "minmax_lr", "model_decoder_layers"]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    ENABLE_MINMAX_TUNING_FIELD_NUMBER: _ClassVar[int]
    INSIDE_LAYER_MODULES_FIELD_NUMBER: _ClassVar[int]
    ITERS_FIELD_NUMBER: _ClassVar[int]
    LR_FIELD_NUMBER: _ClassVar[int]
    MINMAX_LR_FIELD_NUMBER: _ClassVar[int]
    MODEL_DECODER_LAYERS_FIELD_NUMBER: _ClassVar[int]
    batch_size: int
    enable_minmax_tuning: bool
    inside_layer_modules: _containers.RepeatedScalarFieldContainer[str]
    iters: int
    lr: float
    minmax_lr: float
    model_decoder_layers: str
    def __init__(self, iters: _Optional[int] = ..., lr: _Optional[float] = ..., enable_minmax_tuning: bool = ..., minmax_lr: _Optional[float] = ..., batch_size: _Optional[int] = ..., inside_layer_modules: _Optional[_Iterable[str]] = ..., model_decoder_layers: _Optional[str] = ...) -> None: ...

class AutoSmoothQuantConfig(_message.Message):
    __slots__ = ["compute_scale_loss", "compute_scale_loss_none", "model_decoder_layers", "scaling_layers"]
    COMPUTE_SCALE_LOSS_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_SCALE_LOSS_NONE_FIELD_NUMBER: _ClassVar[int]
    MODEL_DECODER_LAYERS_FIELD_NUMBER: _ClassVar[int]
    SCALING_LAYERS_FIELD_NUMBER: _ClassVar[int]
    compute_scale_loss: str
    compute_scale_loss_none: bool
    model_decoder_layers: str
    scaling_layers: ScalingLayerList
    def __init__(self, scaling_layers: _Optional[_Union[ScalingLayerList, _Mapping]] = ..., model_decoder_layers: _Optional[str] = ..., compute_scale_loss: _Optional[str] = ..., compute_scale_loss_none: bool = ...) -> None: ...

class AwqConfig(_message.Message):
    __slots__ = ["model_decoder_layers", "scaling_layers"]
    MODEL_DECODER_LAYERS_FIELD_NUMBER: _ClassVar[int]
    SCALING_LAYERS_FIELD_NUMBER: _ClassVar[int]
    model_decoder_layers: str
    scaling_layers: _containers.RepeatedCompositeFieldContainer[ScalingLayer]
    def __init__(self, scaling_layers: _Optional[_Iterable[_Union[ScalingLayer, _Mapping]]] = ..., model_decoder_layers: _Optional[str] = ...) -> None: ...

class GptaqConfig(_message.Message):
    __slots__ = ["alpha", "block_size", "damp_percent", "desc_act", "inside_layer_modules", "model_decoder_layers", "static_groups"]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SIZE_FIELD_NUMBER: _ClassVar[int]
    DAMP_PERCENT_FIELD_NUMBER: _ClassVar[int]
    DESC_ACT_FIELD_NUMBER: _ClassVar[int]
    INSIDE_LAYER_MODULES_FIELD_NUMBER: _ClassVar[int]
    MODEL_DECODER_LAYERS_FIELD_NUMBER: _ClassVar[int]
    STATIC_GROUPS_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    block_size: int
    damp_percent: float
    desc_act: bool
    inside_layer_modules: _containers.RepeatedScalarFieldContainer[str]
    model_decoder_layers: str
    static_groups: bool
    def __init__(self, block_size: _Optional[int] = ..., damp_percent: _Optional[float] = ..., alpha: _Optional[float] = ..., desc_act: bool = ..., static_groups: bool = ..., inside_layer_modules: _Optional[_Iterable[str]] = ..., model_decoder_layers: _Optional[str] = ...) -> None: ...

class GptqConfig(_message.Message):
    __slots__ = ["block_size", "damp_percent", "desc_act", "inside_layer_modules", "model_decoder_layers", "static_groups"]
    BLOCK_SIZE_FIELD_NUMBER: _ClassVar[int]
    DAMP_PERCENT_FIELD_NUMBER: _ClassVar[int]
    DESC_ACT_FIELD_NUMBER: _ClassVar[int]
    INSIDE_LAYER_MODULES_FIELD_NUMBER: _ClassVar[int]
    MODEL_DECODER_LAYERS_FIELD_NUMBER: _ClassVar[int]
    STATIC_GROUPS_FIELD_NUMBER: _ClassVar[int]
    block_size: int
    damp_percent: float
    desc_act: bool
    inside_layer_modules: _containers.RepeatedScalarFieldContainer[str]
    model_decoder_layers: str
    static_groups: bool
    def __init__(self, block_size: _Optional[int] = ..., damp_percent: _Optional[float] = ..., desc_act: bool = ..., static_groups: bool = ..., inside_layer_modules: _Optional[_Iterable[str]] = ..., model_decoder_layers: _Optional[str] = ...) -> None: ...

class OnlineRotationConfig(_message.Message):
    __slots__ = ["online_rotation_layers", "shared_parallel", "use_input_prescale"]
    ONLINE_ROTATION_LAYERS_FIELD_NUMBER: _ClassVar[int]
    SHARED_PARALLEL_FIELD_NUMBER: _ClassVar[int]
    USE_INPUT_PRESCALE_FIELD_NUMBER: _ClassVar[int]
    online_rotation_layers: StringList
    shared_parallel: bool
    use_input_prescale: bool
    def __init__(self, shared_parallel: bool = ..., online_rotation_layers: _Optional[_Union[StringList, _Mapping]] = ..., use_input_prescale: bool = ...) -> None: ...

class QronosConfig(_message.Message):
    __slots__ = ["alpha", "beta", "block_size", "desc_act", "inside_layer_modules", "model_decoder_layers", "static_groups"]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SIZE_FIELD_NUMBER: _ClassVar[int]
    DESC_ACT_FIELD_NUMBER: _ClassVar[int]
    INSIDE_LAYER_MODULES_FIELD_NUMBER: _ClassVar[int]
    MODEL_DECODER_LAYERS_FIELD_NUMBER: _ClassVar[int]
    STATIC_GROUPS_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    beta: float
    block_size: int
    desc_act: bool
    inside_layer_modules: _containers.RepeatedScalarFieldContainer[str]
    model_decoder_layers: str
    static_groups: bool
    def __init__(self, inside_layer_modules: _Optional[_Iterable[str]] = ..., model_decoder_layers: _Optional[str] = ..., block_size: _Optional[int] = ..., desc_act: bool = ..., static_groups: bool = ..., alpha: _Optional[float] = ..., beta: _Optional[float] = ...) -> None: ...

class RotationConfig(_message.Message):
    __slots__ = ["backbone", "mlp", "model_decoder_layers", "o_proj", "online_config", "online_r1_rotation", "r1", "r2", "r3", "r4", "random_r1", "random_r2", "rotation_size", "scaling_layers", "self_attn", "smooth_positions", "train_smooth", "trainable", "v_proj"]
    BACKBONE_FIELD_NUMBER: _ClassVar[int]
    MLP_FIELD_NUMBER: _ClassVar[int]
    MODEL_DECODER_LAYERS_FIELD_NUMBER: _ClassVar[int]
    ONLINE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    ONLINE_R1_ROTATION_FIELD_NUMBER: _ClassVar[int]
    O_PROJ_FIELD_NUMBER: _ClassVar[int]
    R1_FIELD_NUMBER: _ClassVar[int]
    R2_FIELD_NUMBER: _ClassVar[int]
    R3_FIELD_NUMBER: _ClassVar[int]
    R4_FIELD_NUMBER: _ClassVar[int]
    RANDOM_R1_FIELD_NUMBER: _ClassVar[int]
    RANDOM_R2_FIELD_NUMBER: _ClassVar[int]
    ROTATION_SIZE_FIELD_NUMBER: _ClassVar[int]
    SCALING_LAYERS_FIELD_NUMBER: _ClassVar[int]
    SELF_ATTN_FIELD_NUMBER: _ClassVar[int]
    SMOOTH_POSITIONS_FIELD_NUMBER: _ClassVar[int]
    TRAINABLE_FIELD_NUMBER: _ClassVar[int]
    TRAIN_SMOOTH_FIELD_NUMBER: _ClassVar[int]
    V_PROJ_FIELD_NUMBER: _ClassVar[int]
    backbone: str
    mlp: str
    model_decoder_layers: str
    o_proj: str
    online_config: OnlineRotationConfig
    online_r1_rotation: bool
    r1: bool
    r2: bool
    r3: bool
    r4: bool
    random_r1: bool
    random_r2: bool
    rotation_size: int
    scaling_layers: _containers.RepeatedCompositeFieldContainer[RotationScalingLayersEntry]
    self_attn: str
    smooth_positions: StringList
    train_smooth: bool
    trainable: bool
    v_proj: str
    def __init__(self, scaling_layers: _Optional[_Iterable[_Union[RotationScalingLayersEntry, _Mapping]]] = ..., r1: bool = ..., r2: bool = ..., r3: bool = ..., r4: bool = ..., rotation_size: _Optional[int] = ..., random_r1: bool = ..., random_r2: bool = ..., backbone: _Optional[str] = ..., model_decoder_layers: _Optional[str] = ..., v_proj: _Optional[str] = ..., o_proj: _Optional[str] = ..., self_attn: _Optional[str] = ..., mlp: _Optional[str] = ..., online_r1_rotation: bool = ..., online_config: _Optional[_Union[OnlineRotationConfig, _Mapping]] = ..., trainable: bool = ..., train_smooth: bool = ..., smooth_positions: _Optional[_Union[StringList, _Mapping]] = ...) -> None: ...

class RotationScalingLayer(_message.Message):
    __slots__ = ["next_modules", "norm_module", "prev_modules", "target_modules"]
    NEXT_MODULES_FIELD_NUMBER: _ClassVar[int]
    NORM_MODULE_FIELD_NUMBER: _ClassVar[int]
    PREV_MODULES_FIELD_NUMBER: _ClassVar[int]
    TARGET_MODULES_FIELD_NUMBER: _ClassVar[int]
    next_modules: _containers.RepeatedScalarFieldContainer[str]
    norm_module: str
    prev_modules: _containers.RepeatedScalarFieldContainer[str]
    target_modules: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, prev_modules: _Optional[_Iterable[str]] = ..., norm_module: _Optional[str] = ..., next_modules: _Optional[_Iterable[str]] = ..., target_modules: _Optional[_Iterable[str]] = ...) -> None: ...

class RotationScalingLayersEntry(_message.Message):
    __slots__ = ["layers", "position"]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    layers: _containers.RepeatedCompositeFieldContainer[RotationScalingLayer]
    position: str
    def __init__(self, position: _Optional[str] = ..., layers: _Optional[_Iterable[_Union[RotationScalingLayer, _Mapping]]] = ...) -> None: ...

class ScalingLayer(_message.Message):
    __slots__ = ["has_kwargs", "inp", "layers", "module2inspect", "prev_op"]
    HAS_KWARGS_FIELD_NUMBER: _ClassVar[int]
    INP_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    MODULE2INSPECT_FIELD_NUMBER: _ClassVar[int]
    PREV_OP_FIELD_NUMBER: _ClassVar[int]
    has_kwargs: bool
    inp: str
    layers: _containers.RepeatedScalarFieldContainer[str]
    module2inspect: str
    prev_op: str
    def __init__(self, prev_op: _Optional[str] = ..., layers: _Optional[_Iterable[str]] = ..., inp: _Optional[str] = ..., module2inspect: _Optional[str] = ..., has_kwargs: bool = ...) -> None: ...

class ScalingLayerList(_message.Message):
    __slots__ = ["layers"]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    layers: _containers.RepeatedCompositeFieldContainer[ScalingLayer]
    def __init__(self, layers: _Optional[_Iterable[_Union[ScalingLayer, _Mapping]]] = ...) -> None: ...

class SmoothQuantConfig(_message.Message):
    __slots__ = ["alpha", "model_decoder_layers", "scale_clamp_min", "scaling_layers"]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    MODEL_DECODER_LAYERS_FIELD_NUMBER: _ClassVar[int]
    SCALE_CLAMP_MIN_FIELD_NUMBER: _ClassVar[int]
    SCALING_LAYERS_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    model_decoder_layers: str
    scale_clamp_min: float
    scaling_layers: _containers.RepeatedCompositeFieldContainer[ScalingLayer]
    def __init__(self, alpha: _Optional[float] = ..., scale_clamp_min: _Optional[float] = ..., scaling_layers: _Optional[_Iterable[_Union[ScalingLayer, _Mapping]]] = ..., model_decoder_layers: _Optional[str] = ...) -> None: ...

class StringList(_message.Message):
    __slots__ = ["values"]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...

class TwoBitScalarConfig(_message.Message):
    __slots__ = ["act_scale_alpha", "adaptive_grid_levels", "bits", "calib_batches", "debug_dump_per_layer", "do_quantize", "dump_sidecar_dir", "enable_blockwise_hessian", "enable_incoherence", "enable_output_rotation", "exclude_layers", "fine_scale_grid", "group_size", "hess_damp", "hess_every_n_groups", "hess_max_rows", "hess_min_group_size", "include_layers", "incoherence_seed", "max_rows_per_batch", "max_samples_per_layer", "min_in_features", "num_hadamard_passes", "preserve_weight_dtype", "scale_clip_max", "scale_clip_min", "sub_group_size", "use_hessian_weighted_scale", "use_lloyd_max_levels", "verbose"]
    ACT_SCALE_ALPHA_FIELD_NUMBER: _ClassVar[int]
    ADAPTIVE_GRID_LEVELS_FIELD_NUMBER: _ClassVar[int]
    BITS_FIELD_NUMBER: _ClassVar[int]
    CALIB_BATCHES_FIELD_NUMBER: _ClassVar[int]
    DEBUG_DUMP_PER_LAYER_FIELD_NUMBER: _ClassVar[int]
    DO_QUANTIZE_FIELD_NUMBER: _ClassVar[int]
    DUMP_SIDECAR_DIR_FIELD_NUMBER: _ClassVar[int]
    ENABLE_BLOCKWISE_HESSIAN_FIELD_NUMBER: _ClassVar[int]
    ENABLE_INCOHERENCE_FIELD_NUMBER: _ClassVar[int]
    ENABLE_OUTPUT_ROTATION_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_LAYERS_FIELD_NUMBER: _ClassVar[int]
    FINE_SCALE_GRID_FIELD_NUMBER: _ClassVar[int]
    GROUP_SIZE_FIELD_NUMBER: _ClassVar[int]
    HESS_DAMP_FIELD_NUMBER: _ClassVar[int]
    HESS_EVERY_N_GROUPS_FIELD_NUMBER: _ClassVar[int]
    HESS_MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    HESS_MIN_GROUP_SIZE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_LAYERS_FIELD_NUMBER: _ClassVar[int]
    INCOHERENCE_SEED_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_PER_BATCH_FIELD_NUMBER: _ClassVar[int]
    MAX_SAMPLES_PER_LAYER_FIELD_NUMBER: _ClassVar[int]
    MIN_IN_FEATURES_FIELD_NUMBER: _ClassVar[int]
    NUM_HADAMARD_PASSES_FIELD_NUMBER: _ClassVar[int]
    PRESERVE_WEIGHT_DTYPE_FIELD_NUMBER: _ClassVar[int]
    SCALE_CLIP_MAX_FIELD_NUMBER: _ClassVar[int]
    SCALE_CLIP_MIN_FIELD_NUMBER: _ClassVar[int]
    SUB_GROUP_SIZE_FIELD_NUMBER: _ClassVar[int]
    USE_HESSIAN_WEIGHTED_SCALE_FIELD_NUMBER: _ClassVar[int]
    USE_LLOYD_MAX_LEVELS_FIELD_NUMBER: _ClassVar[int]
    VERBOSE_FIELD_NUMBER: _ClassVar[int]
    act_scale_alpha: float
    adaptive_grid_levels: bool
    bits: int
    calib_batches: int
    debug_dump_per_layer: bool
    do_quantize: bool
    dump_sidecar_dir: str
    enable_blockwise_hessian: bool
    enable_incoherence: bool
    enable_output_rotation: bool
    exclude_layers: StringList
    fine_scale_grid: bool
    group_size: int
    hess_damp: float
    hess_every_n_groups: int
    hess_max_rows: int
    hess_min_group_size: int
    include_layers: StringList
    incoherence_seed: int
    max_rows_per_batch: int
    max_samples_per_layer: int
    min_in_features: int
    num_hadamard_passes: int
    preserve_weight_dtype: bool
    scale_clip_max: float
    scale_clip_min: float
    sub_group_size: int
    use_hessian_weighted_scale: bool
    use_lloyd_max_levels: bool
    verbose: bool
    def __init__(self, bits: _Optional[int] = ..., group_size: _Optional[int] = ..., sub_group_size: _Optional[int] = ..., act_scale_alpha: _Optional[float] = ..., scale_clip_min: _Optional[float] = ..., scale_clip_max: _Optional[float] = ..., calib_batches: _Optional[int] = ..., max_samples_per_layer: _Optional[int] = ..., max_rows_per_batch: _Optional[int] = ..., min_in_features: _Optional[int] = ..., include_layers: _Optional[_Union[StringList, _Mapping]] = ..., exclude_layers: _Optional[_Union[StringList, _Mapping]] = ..., enable_incoherence: bool = ..., incoherence_seed: _Optional[int] = ..., num_hadamard_passes: _Optional[int] = ..., enable_output_rotation: bool = ..., use_lloyd_max_levels: bool = ..., use_hessian_weighted_scale: bool = ..., fine_scale_grid: bool = ..., adaptive_grid_levels: bool = ..., enable_blockwise_hessian: bool = ..., hess_damp: _Optional[float] = ..., hess_max_rows: _Optional[int] = ..., hess_every_n_groups: _Optional[int] = ..., hess_min_group_size: _Optional[int] = ..., do_quantize: bool = ..., preserve_weight_dtype: bool = ..., verbose: bool = ..., debug_dump_per_layer: bool = ..., dump_sidecar_dir: _Optional[str] = ...) -> None: ...
