"""Ground floor: photographs, faces and evidence, without torch and without any other room."""
