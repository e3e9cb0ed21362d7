/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "worker/grid.h"

/*
 * Another size: lines that were broken for their width are broken anew, except the one with the
 * cursor, which its program sees to; lines come back from above, or go there. On failure the grid
 * is as it was.
 */
int grid_resize(struct grid *grid, unsigned columns, unsigned rows);
