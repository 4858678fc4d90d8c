#include <yaml.h>

#include "config/config.h"

const char *weir_config_yaml_version(void)
{
	return yaml_get_version_string();
}
