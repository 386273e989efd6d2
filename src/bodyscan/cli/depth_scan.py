"""The options of commands that take a depth capture in the place of a raw scan."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from bodyscan.run.hints import Sensor

SensorOption = Annotated[
    Sensor | None, typer.Option(help="Depth capture: kind of camera. Default: as the format says.")
]
DepthScaleOption = Annotated[
    float | None,
    typer.Option(help="Depth capture: units a metre, 1000 for mm. Default: as the format says."),
]
PosesOption = Annotated[
    Literal["auto", "given", "track"] | None,
    typer.Option(help="Depth capture: the cameras' poses as given, or found anew. Default: auto."),
]
MotionOption = Annotated[
    Literal["auto", "rigid", "body"] | None,
    typer.Option(help="Depth capture: the person stood still, or their sway is followed. Default: auto."),
]
AcceptOpenOption = Annotated[
    bool | None,
    typer.Option("--accept-open", help="Depth capture: take one that does not go all around, too."),
]
