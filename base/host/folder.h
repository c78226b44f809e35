/* Folders: a new name is on disk only when its folder is. */
#pragma once

/* Sync the folder that holds `path`.  0, or -1 with errno. */
int td_folder_sync(const char *path);
