#include "reference/layer_norm.hpp"
