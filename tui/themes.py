"""Three themes. What a colour says is always said by a word or a sign as well."""

from textual.theme import Theme

DARK = Theme(
    name="dark",
    primary="#5cc8b8",
    secondary="#7aa7e8",
    accent="#f2c14e",
    success="#7ccf7c",
    warning="#f2b134",
    error="#ff7a6b",
    foreground="#dde4ea",
    background="#11161c",
    surface="#171e26",
    panel="#202a35",
    dark=True,
    variables={"footer-key-foreground": "#f2c14e", "border": "#3a4857", "border-blurred": "#2b3643"},
)
LIGHT = Theme(
    name="light",
    primary="#0b6e63",
    secondary="#1f5fb0",
    accent="#8a5a00",
    success="#1c6b2a",
    warning="#8a5200",
    error="#b3261e",
    foreground="#1b2229",
    background="#fbfbf9",
    surface="#f1f2ef",
    panel="#e3e6e3",
    dark=False,
    variables={"footer-key-foreground": "#8a5a00", "border": "#9aa5a8", "border-blurred": "#c3cacb"},
)
CONTRAST = Theme(
    name="contrast",
    primary="#ffff00",
    secondary="#00ffff",
    accent="#00ffff",
    success="#00ff00",
    warning="#ffff00",
    error="#ff9090",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    dark=True,
    variables={"footer-key-foreground": "#ffff00", "border": "#ffffff", "border-blurred": "#ffffff"},
)
THEMES = (DARK, LIGHT, CONTRAST)
