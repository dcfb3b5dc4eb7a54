import { start } from "../platform/start";
import { Storefront } from "./page";

void start(Storefront);
