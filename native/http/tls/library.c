/* Finds OpenSSL and its functions. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/tls/abi.h"
#include "http/tls/tls.h"

/*
 * A program may already contain another OpenSSL with the same function names, as Node does.
 * RTLD_DEEPBIND makes the library find its own functions first; the sanitizers do not support it.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_FIRST 0
#else
#define OWN_FIRST RTLD_DEEPBIND
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct openssl functions;
static char failure[256];
static bool loaded;

static void *open_library(void)
{
    static const char *const NAMES[] = {"libssl.so.3", "libssl.so.1.1"};
    const int how = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE | OWN_FIRST;
    const char *named = getenv("DYNO_OPENSSL");
    if (named && named[0]) {
        void *library = dlopen(named, how);
        if (!library) snprintf(failure, sizeof failure, "DYNO_OPENSSL: %s", dlerror());
        return library;
    }
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        void *library = dlopen(NAMES[i], how);
        if (library) return library;
    }
    snprintf(failure, sizeof failure, "neither libssl.so.3 nor libssl.so.1.1 is installed");
    return NULL;
}

/* A symbol of the library, or of the libcrypto it was loaded with. */
static bool resolve(void *library, const char *symbol, void *function)
{
    *(void **)function = dlsym(library, symbol);
    if (*(void **)function) return true;
    snprintf(failure, sizeof failure, "this libssl has no %s; expected OpenSSL 1.1.1 or 3", symbol);
    return false;
}

static void load(void)
{
    void *library = open_library();
    if (!library) return;
#define RESOLVE(result, field, symbol, parameters) \
    if (!resolve(library, symbol, &functions.field)) return;
    OPENSSL_FUNCTIONS(RESOLVE)
#undef RESOLVE
    loaded = functions.init(OPENSSL_INIT_NO_ATEXIT, NULL) == 1;
    if (!loaded) snprintf(failure, sizeof failure, "OpenSSL cannot be initialised");
}

const struct openssl *openssl_load(char *error, size_t error_bytes)
{
    pthread_once(&once, load);
    if (loaded) return &functions;
    snprintf(error, error_bytes, "%s", failure);
    return NULL;
}

bool tls_library(char *text, size_t text_bytes)
{
    const struct openssl *openssl = openssl_load(text, text_bytes);
    if (openssl) snprintf(text, text_bytes, "%s", openssl->version(OPENSSL_VERSION_TEXT));
    return openssl != NULL;
}
