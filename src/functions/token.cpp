// pgrest.sign() and pgrest.verify(): JSON Web Tokens with HMAC, for logins written in SQL.
#include <stdexcept>

#include "auth/sign.h"
#include "functions/arguments.h"
#include "pg/guard.h"

extern "C" {
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(pgrest_sign);
PG_FUNCTION_INFO_V1(pgrest_verify);
}

using pgrest::functions::text_argument;

extern "C" PGDLLEXPORT Datum pgrest_sign(PG_FUNCTION_ARGS) {
    return pgrest::pg::translate_exceptions([&] {
        const std::string payload = text_argument(fcinfo, 0);
        const std::string token = pgrest::auth::sign(payload, text_argument(fcinfo, 1), text_argument(fcinfo, 2));
        const char* text = token.c_str();
        return pgrest::pg::guarded([=] { return CStringGetTextDatum(text); });
    });
}

extern "C" PGDLLEXPORT Datum pgrest_verify(PG_FUNCTION_ARGS) {
    return pgrest::pg::translate_exceptions([&] {
        const auto verified =
            pgrest::auth::verify(text_argument(fcinfo, 0), text_argument(fcinfo, 1), text_argument(fcinfo, 2));
        pgrest::functions::return_rows(fcinfo,
                                       {{verified.header, verified.payload, std::string(verified.valid ? "t" : "f")}});
        return static_cast<Datum>(0);
    });
}
