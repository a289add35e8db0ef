"""Do the photos of late still look like those that the model was aligned on?"""
