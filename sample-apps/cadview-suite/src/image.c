/* libcadimage: bitmaps. Needs libpng12, which current systems no longer have. */
unsigned png_access_version_number(void);

int image_load(const char *bitmap)
{
    (void)bitmap;
    return (int)png_access_version_number();
}
