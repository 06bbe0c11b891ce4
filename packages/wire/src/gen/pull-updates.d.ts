import * as $protobuf from "protobufjs";
import Long = require("long");

/** Namespace tributary. */
export namespace tributary {

    /** Namespace wire. */
    namespace wire {

        /** PageEncoding enum. */
        enum PageEncoding {

            /** PAGE_ENCODING_RAW value */
            PAGE_ENCODING_RAW = 0,

            /** PAGE_ENCODING_ZSTD value */
            PAGE_ENCODING_ZSTD = 1
        }

        /** StreamKind enum. */
        enum StreamKind {

            /** STREAM_KIND_PAGES value */
            STREAM_KIND_PAGES = 0,

            /** STREAM_KIND_MVCC_LOGICAL_LOG value */
            STREAM_KIND_MVCC_LOGICAL_LOG = 1
        }

        /** ApplyMode enum. */
        enum ApplyMode {

            /** APPLY_MODE_INCREMENTAL value */
            APPLY_MODE_INCREMENTAL = 0,

            /** APPLY_MODE_REPLACE_BASE value */
            APPLY_MODE_REPLACE_BASE = 1
        }

        /** SyncProtocol enum. */
        enum SyncProtocol {

            /** SYNC_PROTOCOL_UNSPECIFIED value */
            SYNC_PROTOCOL_UNSPECIFIED = 0,

            /** SYNC_PROTOCOL_PAGES value */
            SYNC_PROTOCOL_PAGES = 1,

            /** SYNC_PROTOCOL_MVCC_LOGICAL value */
            SYNC_PROTOCOL_MVCC_LOGICAL = 2
        }

        /**
         * Properties of a PullUpdatesRequest.
         * @deprecated Use tributary.wire.PullUpdatesRequest.$Properties instead.
         */
        interface IPullUpdatesRequest extends tributary.wire.PullUpdatesRequest.$Properties {
        }

        /** Represents a PullUpdatesRequest. */
        class PullUpdatesRequest {

            /**
             * Constructs a new PullUpdatesRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: tributary.wire.PullUpdatesRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PullUpdatesRequest encoding. */
            encoding: tributary.wire.PageEncoding;

            /** PullUpdatesRequest serverRevision. */
            serverRevision: string;

            /** PullUpdatesRequest clientRevision. */
            clientRevision: string;

            /** PullUpdatesRequest longPollTimeoutMs. */
            longPollTimeoutMs: number;

            /** PullUpdatesRequest serverPagesSelector. */
            serverPagesSelector: Uint8Array;

            /** PullUpdatesRequest clientPages. */
            clientPages: Uint8Array;

            /** PullUpdatesRequest serverQuerySelector. */
            serverQuerySelector: string;

            /** PullUpdatesRequest streamKind. */
            streamKind: tributary.wire.StreamKind;

            /**
             * Encodes the specified PullUpdatesRequest message. Does not implicitly {@link tributary.wire.PullUpdatesRequest.verify|verify} messages.
             * @param message PullUpdatesRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tributary.wire.PullUpdatesRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PullUpdatesRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tributary.wire.PullUpdatesRequest & tributary.wire.PullUpdatesRequest.$Shape} PullUpdatesRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tributary.wire.PullUpdatesRequest & tributary.wire.PullUpdatesRequest.$Shape;

            /**
             * Gets the type url for PullUpdatesRequest
             * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns The type url
             */
            static getTypeUrl(prefix?: string): string;
        }

        namespace PullUpdatesRequest {

            /** Properties of a PullUpdatesRequest. */
            interface $Properties {

                /** PullUpdatesRequest encoding */
                encoding?: (tributary.wire.PageEncoding|null);

                /** PullUpdatesRequest serverRevision */
                serverRevision?: (string|null);

                /** PullUpdatesRequest clientRevision */
                clientRevision?: (string|null);

                /** PullUpdatesRequest longPollTimeoutMs */
                longPollTimeoutMs?: (number|null);

                /** PullUpdatesRequest serverPagesSelector */
                serverPagesSelector?: (Uint8Array|null);

                /** PullUpdatesRequest clientPages */
                clientPages?: (Uint8Array|null);

                /** PullUpdatesRequest serverQuerySelector */
                serverQuerySelector?: (string|null);

                /** PullUpdatesRequest streamKind */
                streamKind?: (tributary.wire.StreamKind|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PullUpdatesRequest. */
            type $Shape = tributary.wire.PullUpdatesRequest.$Properties;
        }

        /**
         * Properties of a RawEncoding.
         * @deprecated Use tributary.wire.RawEncoding.$Properties instead.
         */
        interface IRawEncoding extends tributary.wire.RawEncoding.$Properties {
        }

        /** Represents a RawEncoding. */
        class RawEncoding {

            /**
             * Constructs a new RawEncoding.
             * @param [properties] Properties to set
             */
            constructor(properties?: tributary.wire.RawEncoding.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Encodes the specified RawEncoding message. Does not implicitly {@link tributary.wire.RawEncoding.verify|verify} messages.
             * @param message RawEncoding message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tributary.wire.RawEncoding.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a RawEncoding message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tributary.wire.RawEncoding & tributary.wire.RawEncoding.$Shape} RawEncoding
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tributary.wire.RawEncoding & tributary.wire.RawEncoding.$Shape;

            /**
             * Gets the type url for RawEncoding
             * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns The type url
             */
            static getTypeUrl(prefix?: string): string;
        }

        namespace RawEncoding {

            /** Properties of a RawEncoding. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a RawEncoding. */
            type $Shape = tributary.wire.RawEncoding.$Properties;
        }

        /**
         * Properties of a ZstdEncoding.
         * @deprecated Use tributary.wire.ZstdEncoding.$Properties instead.
         */
        interface IZstdEncoding extends tributary.wire.ZstdEncoding.$Properties {
        }

        /** Represents a ZstdEncoding. */
        class ZstdEncoding {

            /**
             * Constructs a new ZstdEncoding.
             * @param [properties] Properties to set
             */
            constructor(properties?: tributary.wire.ZstdEncoding.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Encodes the specified ZstdEncoding message. Does not implicitly {@link tributary.wire.ZstdEncoding.verify|verify} messages.
             * @param message ZstdEncoding message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tributary.wire.ZstdEncoding.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ZstdEncoding message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tributary.wire.ZstdEncoding & tributary.wire.ZstdEncoding.$Shape} ZstdEncoding
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tributary.wire.ZstdEncoding & tributary.wire.ZstdEncoding.$Shape;

            /**
             * Gets the type url for ZstdEncoding
             * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns The type url
             */
            static getTypeUrl(prefix?: string): string;
        }

        namespace ZstdEncoding {

            /** Properties of a ZstdEncoding. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ZstdEncoding. */
            type $Shape = tributary.wire.ZstdEncoding.$Properties;
        }

        /**
         * Properties of a PullUpdatesHeader.
         * @deprecated Use tributary.wire.PullUpdatesHeader.$Properties instead.
         */
        interface IPullUpdatesHeader extends tributary.wire.PullUpdatesHeader.$Properties {
        }

        /** Represents a PullUpdatesHeader. */
        class PullUpdatesHeader {

            /**
             * Constructs a new PullUpdatesHeader.
             * @param [properties] Properties to set
             */
            constructor(properties?: tributary.wire.PullUpdatesHeader.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PullUpdatesHeader serverRevision. */
            serverRevision: string;

            /** PullUpdatesHeader databaseSize. */
            databaseSize: (number|Long);

            /** PullUpdatesHeader rawEncoding. */
            rawEncoding?: (tributary.wire.RawEncoding.$Properties|null);

            /** PullUpdatesHeader zstdEncoding. */
            zstdEncoding?: (tributary.wire.ZstdEncoding.$Properties|null);

            /** PullUpdatesHeader streamKind. */
            streamKind: tributary.wire.StreamKind;

            /** PullUpdatesHeader applyMode. */
            applyMode: tributary.wire.ApplyMode;

            /** PullUpdatesHeader protocol. */
            protocol: tributary.wire.SyncProtocol;

            /**
             * Encodes the specified PullUpdatesHeader message. Does not implicitly {@link tributary.wire.PullUpdatesHeader.verify|verify} messages.
             * @param message PullUpdatesHeader message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tributary.wire.PullUpdatesHeader.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PullUpdatesHeader message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tributary.wire.PullUpdatesHeader & tributary.wire.PullUpdatesHeader.$Shape} PullUpdatesHeader
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tributary.wire.PullUpdatesHeader & tributary.wire.PullUpdatesHeader.$Shape;

            /**
             * Gets the type url for PullUpdatesHeader
             * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns The type url
             */
            static getTypeUrl(prefix?: string): string;
        }

        namespace PullUpdatesHeader {

            /** Properties of a PullUpdatesHeader. */
            interface $Properties {

                /** PullUpdatesHeader serverRevision */
                serverRevision?: (string|null);

                /** PullUpdatesHeader databaseSize */
                databaseSize?: (number|Long|null);

                /** PullUpdatesHeader rawEncoding */
                rawEncoding?: (tributary.wire.RawEncoding.$Properties|null);

                /** PullUpdatesHeader zstdEncoding */
                zstdEncoding?: (tributary.wire.ZstdEncoding.$Properties|null);

                /** PullUpdatesHeader streamKind */
                streamKind?: (tributary.wire.StreamKind|null);

                /** PullUpdatesHeader applyMode */
                applyMode?: (tributary.wire.ApplyMode|null);

                /** PullUpdatesHeader protocol */
                protocol?: (tributary.wire.SyncProtocol|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PullUpdatesHeader. */
            type $Shape = tributary.wire.PullUpdatesHeader.$Properties;
        }

        /**
         * Properties of a PullUpdatesPage.
         * @deprecated Use tributary.wire.PullUpdatesPage.$Properties instead.
         */
        interface IPullUpdatesPage extends tributary.wire.PullUpdatesPage.$Properties {
        }

        /** Represents a PullUpdatesPage. */
        class PullUpdatesPage {

            /**
             * Constructs a new PullUpdatesPage.
             * @param [properties] Properties to set
             */
            constructor(properties?: tributary.wire.PullUpdatesPage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PullUpdatesPage pageId. */
            pageId: (number|Long);

            /** PullUpdatesPage encodedPage. */
            encodedPage: Uint8Array;

            /**
             * Encodes the specified PullUpdatesPage message. Does not implicitly {@link tributary.wire.PullUpdatesPage.verify|verify} messages.
             * @param message PullUpdatesPage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: tributary.wire.PullUpdatesPage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PullUpdatesPage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {tributary.wire.PullUpdatesPage & tributary.wire.PullUpdatesPage.$Shape} PullUpdatesPage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): tributary.wire.PullUpdatesPage & tributary.wire.PullUpdatesPage.$Shape;

            /**
             * Gets the type url for PullUpdatesPage
             * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns The type url
             */
            static getTypeUrl(prefix?: string): string;
        }

        namespace PullUpdatesPage {

            /** Properties of a PullUpdatesPage. */
            interface $Properties {

                /** PullUpdatesPage pageId */
                pageId?: (number|Long|null);

                /** PullUpdatesPage encodedPage */
                encodedPage?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PullUpdatesPage. */
            type $Shape = tributary.wire.PullUpdatesPage.$Properties;
        }
    }
}
