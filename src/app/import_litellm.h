/* A LiteLLM config.yaml: model_list and the settings around it. */
#pragma once

#include "app/import_read.h"

/* Fills the import; false when the source is none, with an error among the findings. */
bool weir_import_litellm(struct weir_import *im, struct weir_slice text);
