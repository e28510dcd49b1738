"""Settings: of a workspace (narraframe.toml) and of an experiment, each one TOML file."""

from narraframe.config.experiment import (
    DataSettings,
    Experiment,
    GridSettings,
    HeadsSettings,
    SplitSettings,
    check_model_name,
)
from narraframe.config.settings import (
    Config,
    EncoderSettings,
    LabelStudioSettings,
    PathSettings,
    ThemesSettings,
)
from narraframe.config.toml import load
from narraframe.config.workspace import WORKSPACE_FILE, Workspace, find_workspace

__all__ = [
    "WORKSPACE_FILE",
    "Config",
    "DataSettings",
    "EncoderSettings",
    "Experiment",
    "GridSettings",
    "HeadsSettings",
    "LabelStudioSettings",
    "PathSettings",
    "SplitSettings",
    "ThemesSettings",
    "Workspace",
    "check_model_name",
    "find_workspace",
    "load",
]
