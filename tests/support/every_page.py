"""Addresses that together show every page and every part of it."""

PATHS = (
    "", "learn", "learn?lesson=poe&step=2&answer=b&shown=1", "playground", "explore", "explore?data=Penguins",
    "generate", "generate?task=Draw+or+write", "generate?task=Interpolate", "generate?task=Invent", "latent_space",
    "latent_space?data=mnist-svhn-text&model=mwb-vae-2d", "latent_space?look=Who+says+what", "compare",
    "compare?mode=Trained+models", "compare?part=All+items", "compare?fool=1", "your_data", "your_data?my_item=1",
    "your_data?show=Latent+space", "your_data?show=Compare+rules", "benchmarks", "train",
)
