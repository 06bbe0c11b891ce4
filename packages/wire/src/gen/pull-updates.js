/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

// Exported root namespace
const $root = $protobuf.roots["tributary-wire"] || ($protobuf.roots["tributary-wire"] = {});

export const tributary = $root.tributary = (() => {

    /**
     * Namespace tributary.
     * @exports tributary
     * @namespace
     */
    const tributary = {};

    tributary.wire = (function() {

        /**
         * Namespace wire.
         * @memberof tributary
         * @namespace
         */
        const wire = {};

        /**
         * PageEncoding enum.
         * @name tributary.wire.PageEncoding
         * @enum {number}
         * @property {number} PAGE_ENCODING_RAW=0 PAGE_ENCODING_RAW value
         * @property {number} PAGE_ENCODING_ZSTD=1 PAGE_ENCODING_ZSTD value
         */
        wire.PageEncoding = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "PAGE_ENCODING_RAW"] = 0;
            values[valuesById[1] = "PAGE_ENCODING_ZSTD"] = 1;
            return values;
        })();

        /**
         * StreamKind enum.
         * @name tributary.wire.StreamKind
         * @enum {number}
         * @property {number} STREAM_KIND_PAGES=0 STREAM_KIND_PAGES value
         * @property {number} STREAM_KIND_MVCC_LOGICAL_LOG=1 STREAM_KIND_MVCC_LOGICAL_LOG value
         */
        wire.StreamKind = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "STREAM_KIND_PAGES"] = 0;
            values[valuesById[1] = "STREAM_KIND_MVCC_LOGICAL_LOG"] = 1;
            return values;
        })();

        /**
         * ApplyMode enum.
         * @name tributary.wire.ApplyMode
         * @enum {number}
         * @property {number} APPLY_MODE_INCREMENTAL=0 APPLY_MODE_INCREMENTAL value
         * @property {number} APPLY_MODE_REPLACE_BASE=1 APPLY_MODE_REPLACE_BASE value
         */
        wire.ApplyMode = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "APPLY_MODE_INCREMENTAL"] = 0;
            values[valuesById[1] = "APPLY_MODE_REPLACE_BASE"] = 1;
            return values;
        })();

        /**
         * SyncProtocol enum.
         * @name tributary.wire.SyncProtocol
         * @enum {number}
         * @property {number} SYNC_PROTOCOL_UNSPECIFIED=0 SYNC_PROTOCOL_UNSPECIFIED value
         * @property {number} SYNC_PROTOCOL_PAGES=1 SYNC_PROTOCOL_PAGES value
         * @property {number} SYNC_PROTOCOL_MVCC_LOGICAL=2 SYNC_PROTOCOL_MVCC_LOGICAL value
         */
        wire.SyncProtocol = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "SYNC_PROTOCOL_UNSPECIFIED"] = 0;
            values[valuesById[1] = "SYNC_PROTOCOL_PAGES"] = 1;
            values[valuesById[2] = "SYNC_PROTOCOL_MVCC_LOGICAL"] = 2;
            return values;
        })();

        wire.PullUpdatesRequest = (function() {

            /**
             * Properties of a PullUpdatesRequest.
             * @typedef {Object} tributary.wire.PullUpdatesRequest.$Properties
             * @property {tributary.wire.PageEncoding|null} [encoding] PullUpdatesRequest encoding
             * @property {string|null} [serverRevision] PullUpdatesRequest serverRevision
             * @property {string|null} [clientRevision] PullUpdatesRequest clientRevision
             * @property {number|null} [longPollTimeoutMs] PullUpdatesRequest longPollTimeoutMs
             * @property {Uint8Array|null} [serverPagesSelector] PullUpdatesRequest serverPagesSelector
             * @property {Uint8Array|null} [clientPages] PullUpdatesRequest clientPages
             * @property {string|null} [serverQuerySelector] PullUpdatesRequest serverQuerySelector
             * @property {tributary.wire.StreamKind|null} [streamKind] PullUpdatesRequest streamKind
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PullUpdatesRequest.
             * @memberof tributary.wire
             * @interface IPullUpdatesRequest
             * @augments tributary.wire.PullUpdatesRequest.$Properties
             * @deprecated Use tributary.wire.PullUpdatesRequest.$Properties instead.
             */

            /**
             * Shape of a PullUpdatesRequest.
             * @typedef {tributary.wire.PullUpdatesRequest.$Properties} tributary.wire.PullUpdatesRequest.$Shape
             */

            /**
             * Constructs a new PullUpdatesRequest.
             * @memberof tributary.wire
             * @classdesc Represents a PullUpdatesRequest.
             * @constructor
             * @param {tributary.wire.PullUpdatesRequest.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PullUpdatesRequest = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PullUpdatesRequest encoding.
             * @member {tributary.wire.PageEncoding} encoding
             * @memberof tributary.wire.PullUpdatesRequest
             * @instance
             */
            PullUpdatesRequest.prototype.encoding = 0;

            /**
             * PullUpdatesRequest serverRevision.
             * @member {string} serverRevision
             * @memberof tributary.wire.PullUpdatesRequest
             * @instance
             */
            PullUpdatesRequest.prototype.serverRevision = "";

            /**
             * PullUpdatesRequest clientRevision.
             * @member {string} clientRevision
             * @memberof tributary.wire.PullUpdatesRequest
             * @instance
             */
            PullUpdatesRequest.prototype.clientRevision = "";

            /**
             * PullUpdatesRequest longPollTimeoutMs.
             * @member {number} longPollTimeoutMs
             * @memberof tributary.wire.PullUpdatesRequest
             * @instance
             */
            PullUpdatesRequest.prototype.longPollTimeoutMs = 0;

            /**
             * PullUpdatesRequest serverPagesSelector.
             * @member {Uint8Array} serverPagesSelector
             * @memberof tributary.wire.PullUpdatesRequest
             * @instance
             */
            PullUpdatesRequest.prototype.serverPagesSelector = $util.newBuffer([]);

            /**
             * PullUpdatesRequest clientPages.
             * @member {Uint8Array} clientPages
             * @memberof tributary.wire.PullUpdatesRequest
             * @instance
             */
            PullUpdatesRequest.prototype.clientPages = $util.newBuffer([]);

            /**
             * PullUpdatesRequest serverQuerySelector.
             * @member {string} serverQuerySelector
             * @memberof tributary.wire.PullUpdatesRequest
             * @instance
             */
            PullUpdatesRequest.prototype.serverQuerySelector = "";

            /**
             * PullUpdatesRequest streamKind.
             * @member {tributary.wire.StreamKind} streamKind
             * @memberof tributary.wire.PullUpdatesRequest
             * @instance
             */
            PullUpdatesRequest.prototype.streamKind = 0;

            /**
             * Encodes the specified PullUpdatesRequest message. Does not implicitly {@link tributary.wire.PullUpdatesRequest.verify|verify} messages.
             * @function encode
             * @memberof tributary.wire.PullUpdatesRequest
             * @static
             * @param {tributary.wire.PullUpdatesRequest.$Properties} message PullUpdatesRequest message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PullUpdatesRequest.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.encoding != null && $Object.hasOwnProperty.call(message, "encoding") && message.encoding !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).int32(message.encoding);
                if (message.serverRevision != null && $Object.hasOwnProperty.call(message, "serverRevision") && message.serverRevision !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.serverRevision);
                if (message.clientRevision != null && $Object.hasOwnProperty.call(message, "clientRevision") && message.clientRevision !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.clientRevision);
                if (message.longPollTimeoutMs != null && $Object.hasOwnProperty.call(message, "longPollTimeoutMs") && message.longPollTimeoutMs !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.longPollTimeoutMs);
                if (message.serverPagesSelector != null && $Object.hasOwnProperty.call(message, "serverPagesSelector") && message.serverPagesSelector.length)
                    writer.uint32(/* id 5, wireType 2 =*/42).bytes(message.serverPagesSelector);
                if (message.clientPages != null && $Object.hasOwnProperty.call(message, "clientPages") && message.clientPages.length)
                    writer.uint32(/* id 6, wireType 2 =*/50).bytes(message.clientPages);
                if (message.serverQuerySelector != null && $Object.hasOwnProperty.call(message, "serverQuerySelector") && message.serverQuerySelector !== "")
                    writer.uint32(/* id 7, wireType 2 =*/58).string(message.serverQuerySelector);
                if (message.streamKind != null && $Object.hasOwnProperty.call(message, "streamKind") && message.streamKind !== 0)
                    writer.uint32(/* id 8, wireType 0 =*/64).int32(message.streamKind);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PullUpdatesRequest message from the specified reader or buffer.
             * @function decode
             * @memberof tributary.wire.PullUpdatesRequest
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {tributary.wire.PullUpdatesRequest & tributary.wire.PullUpdatesRequest.$Shape} PullUpdatesRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PullUpdatesRequest.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.tributary.wire.PullUpdatesRequest();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.encoding = value;
                            else
                                delete message.encoding;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.serverRevision = value;
                            else
                                delete message.serverRevision;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.clientRevision = value;
                            else
                                delete message.clientRevision;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.longPollTimeoutMs = value;
                            else
                                delete message.longPollTimeoutMs;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.serverPagesSelector = value;
                            else
                                delete message.serverPagesSelector;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.clientPages = value;
                            else
                                delete message.clientPages;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.serverQuerySelector = value;
                            else
                                delete message.serverQuerySelector;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.streamKind = value;
                            else
                                delete message.streamKind;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Gets the type url for PullUpdatesRequest
             * @function getTypeUrl
             * @memberof tributary.wire.PullUpdatesRequest
             * @static
             * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns {string} The type url
             */
            PullUpdatesRequest.getTypeUrl = function(prefix) {
                if (prefix === $undefined)
                    prefix = "type.googleapis.com";
                return prefix + "/tributary.wire.PullUpdatesRequest";
            };

            return PullUpdatesRequest;
        })();

        wire.RawEncoding = (function() {

            /**
             * Properties of a RawEncoding.
             * @typedef {Object} tributary.wire.RawEncoding.$Properties
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a RawEncoding.
             * @memberof tributary.wire
             * @interface IRawEncoding
             * @augments tributary.wire.RawEncoding.$Properties
             * @deprecated Use tributary.wire.RawEncoding.$Properties instead.
             */

            /**
             * Shape of a RawEncoding.
             * @typedef {tributary.wire.RawEncoding.$Properties} tributary.wire.RawEncoding.$Shape
             */

            /**
             * Constructs a new RawEncoding.
             * @memberof tributary.wire
             * @classdesc Represents a RawEncoding.
             * @constructor
             * @param {tributary.wire.RawEncoding.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const RawEncoding = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Encodes the specified RawEncoding message. Does not implicitly {@link tributary.wire.RawEncoding.verify|verify} messages.
             * @function encode
             * @memberof tributary.wire.RawEncoding
             * @static
             * @param {tributary.wire.RawEncoding.$Properties} message RawEncoding message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            RawEncoding.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a RawEncoding message from the specified reader or buffer.
             * @function decode
             * @memberof tributary.wire.RawEncoding
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {tributary.wire.RawEncoding & tributary.wire.RawEncoding.$Shape} RawEncoding
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            RawEncoding.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.tributary.wire.RawEncoding();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    reader.skipType(tag & 7, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Gets the type url for RawEncoding
             * @function getTypeUrl
             * @memberof tributary.wire.RawEncoding
             * @static
             * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns {string} The type url
             */
            RawEncoding.getTypeUrl = function(prefix) {
                if (prefix === $undefined)
                    prefix = "type.googleapis.com";
                return prefix + "/tributary.wire.RawEncoding";
            };

            return RawEncoding;
        })();

        wire.ZstdEncoding = (function() {

            /**
             * Properties of a ZstdEncoding.
             * @typedef {Object} tributary.wire.ZstdEncoding.$Properties
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ZstdEncoding.
             * @memberof tributary.wire
             * @interface IZstdEncoding
             * @augments tributary.wire.ZstdEncoding.$Properties
             * @deprecated Use tributary.wire.ZstdEncoding.$Properties instead.
             */

            /**
             * Shape of a ZstdEncoding.
             * @typedef {tributary.wire.ZstdEncoding.$Properties} tributary.wire.ZstdEncoding.$Shape
             */

            /**
             * Constructs a new ZstdEncoding.
             * @memberof tributary.wire
             * @classdesc Represents a ZstdEncoding.
             * @constructor
             * @param {tributary.wire.ZstdEncoding.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ZstdEncoding = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Encodes the specified ZstdEncoding message. Does not implicitly {@link tributary.wire.ZstdEncoding.verify|verify} messages.
             * @function encode
             * @memberof tributary.wire.ZstdEncoding
             * @static
             * @param {tributary.wire.ZstdEncoding.$Properties} message ZstdEncoding message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ZstdEncoding.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ZstdEncoding message from the specified reader or buffer.
             * @function decode
             * @memberof tributary.wire.ZstdEncoding
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {tributary.wire.ZstdEncoding & tributary.wire.ZstdEncoding.$Shape} ZstdEncoding
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ZstdEncoding.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.tributary.wire.ZstdEncoding();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    reader.skipType(tag & 7, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Gets the type url for ZstdEncoding
             * @function getTypeUrl
             * @memberof tributary.wire.ZstdEncoding
             * @static
             * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns {string} The type url
             */
            ZstdEncoding.getTypeUrl = function(prefix) {
                if (prefix === $undefined)
                    prefix = "type.googleapis.com";
                return prefix + "/tributary.wire.ZstdEncoding";
            };

            return ZstdEncoding;
        })();

        wire.PullUpdatesHeader = (function() {

            /**
             * Properties of a PullUpdatesHeader.
             * @typedef {Object} tributary.wire.PullUpdatesHeader.$Properties
             * @property {string|null} [serverRevision] PullUpdatesHeader serverRevision
             * @property {number|Long|null} [databaseSize] PullUpdatesHeader databaseSize
             * @property {tributary.wire.RawEncoding.$Properties|null} [rawEncoding] PullUpdatesHeader rawEncoding
             * @property {tributary.wire.ZstdEncoding.$Properties|null} [zstdEncoding] PullUpdatesHeader zstdEncoding
             * @property {tributary.wire.StreamKind|null} [streamKind] PullUpdatesHeader streamKind
             * @property {tributary.wire.ApplyMode|null} [applyMode] PullUpdatesHeader applyMode
             * @property {tributary.wire.SyncProtocol|null} [protocol] PullUpdatesHeader protocol
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PullUpdatesHeader.
             * @memberof tributary.wire
             * @interface IPullUpdatesHeader
             * @augments tributary.wire.PullUpdatesHeader.$Properties
             * @deprecated Use tributary.wire.PullUpdatesHeader.$Properties instead.
             */

            /**
             * Shape of a PullUpdatesHeader.
             * @typedef {tributary.wire.PullUpdatesHeader.$Properties} tributary.wire.PullUpdatesHeader.$Shape
             */

            /**
             * Constructs a new PullUpdatesHeader.
             * @memberof tributary.wire
             * @classdesc Represents a PullUpdatesHeader.
             * @constructor
             * @param {tributary.wire.PullUpdatesHeader.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PullUpdatesHeader = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PullUpdatesHeader serverRevision.
             * @member {string} serverRevision
             * @memberof tributary.wire.PullUpdatesHeader
             * @instance
             */
            PullUpdatesHeader.prototype.serverRevision = "";

            /**
             * PullUpdatesHeader databaseSize.
             * @member {number|Long} databaseSize
             * @memberof tributary.wire.PullUpdatesHeader
             * @instance
             */
            PullUpdatesHeader.prototype.databaseSize = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * PullUpdatesHeader rawEncoding.
             * @member {tributary.wire.RawEncoding.$Properties|null|undefined} rawEncoding
             * @memberof tributary.wire.PullUpdatesHeader
             * @instance
             */
            PullUpdatesHeader.prototype.rawEncoding = null;

            /**
             * PullUpdatesHeader zstdEncoding.
             * @member {tributary.wire.ZstdEncoding.$Properties|null|undefined} zstdEncoding
             * @memberof tributary.wire.PullUpdatesHeader
             * @instance
             */
            PullUpdatesHeader.prototype.zstdEncoding = null;

            /**
             * PullUpdatesHeader streamKind.
             * @member {tributary.wire.StreamKind} streamKind
             * @memberof tributary.wire.PullUpdatesHeader
             * @instance
             */
            PullUpdatesHeader.prototype.streamKind = 0;

            /**
             * PullUpdatesHeader applyMode.
             * @member {tributary.wire.ApplyMode} applyMode
             * @memberof tributary.wire.PullUpdatesHeader
             * @instance
             */
            PullUpdatesHeader.prototype.applyMode = 0;

            /**
             * PullUpdatesHeader protocol.
             * @member {tributary.wire.SyncProtocol} protocol
             * @memberof tributary.wire.PullUpdatesHeader
             * @instance
             */
            PullUpdatesHeader.prototype.protocol = 0;

            /**
             * Encodes the specified PullUpdatesHeader message. Does not implicitly {@link tributary.wire.PullUpdatesHeader.verify|verify} messages.
             * @function encode
             * @memberof tributary.wire.PullUpdatesHeader
             * @static
             * @param {tributary.wire.PullUpdatesHeader.$Properties} message PullUpdatesHeader message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PullUpdatesHeader.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.serverRevision != null && $Object.hasOwnProperty.call(message, "serverRevision") && message.serverRevision !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.serverRevision);
                if (message.databaseSize != null && $Object.hasOwnProperty.call(message, "databaseSize") && (typeof message.databaseSize === "object" ? message.databaseSize.low || message.databaseSize.high : message.databaseSize !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.databaseSize);
                if (message.rawEncoding != null && $Object.hasOwnProperty.call(message, "rawEncoding"))
                    $root.tributary.wire.RawEncoding.encode(message.rawEncoding, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.zstdEncoding != null && $Object.hasOwnProperty.call(message, "zstdEncoding"))
                    $root.tributary.wire.ZstdEncoding.encode(message.zstdEncoding, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                if (message.streamKind != null && $Object.hasOwnProperty.call(message, "streamKind") && message.streamKind !== 0)
                    writer.uint32(/* id 5, wireType 0 =*/40).int32(message.streamKind);
                if (message.applyMode != null && $Object.hasOwnProperty.call(message, "applyMode") && message.applyMode !== 0)
                    writer.uint32(/* id 6, wireType 0 =*/48).int32(message.applyMode);
                if (message.protocol != null && $Object.hasOwnProperty.call(message, "protocol") && message.protocol !== 0)
                    writer.uint32(/* id 8, wireType 0 =*/64).int32(message.protocol);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PullUpdatesHeader message from the specified reader or buffer.
             * @function decode
             * @memberof tributary.wire.PullUpdatesHeader
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {tributary.wire.PullUpdatesHeader & tributary.wire.PullUpdatesHeader.$Shape} PullUpdatesHeader
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PullUpdatesHeader.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.tributary.wire.PullUpdatesHeader();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.serverRevision = value;
                            else
                                delete message.serverRevision;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.databaseSize = value;
                            else
                                delete message.databaseSize;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            message.rawEncoding = $root.tributary.wire.RawEncoding.decode(reader, reader.size(), $undefined, _depth + 1, message.rawEncoding);
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            message.zstdEncoding = $root.tributary.wire.ZstdEncoding.decode(reader, reader.size(), $undefined, _depth + 1, message.zstdEncoding);
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.streamKind = value;
                            else
                                delete message.streamKind;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.applyMode = value;
                            else
                                delete message.applyMode;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.protocol = value;
                            else
                                delete message.protocol;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Gets the type url for PullUpdatesHeader
             * @function getTypeUrl
             * @memberof tributary.wire.PullUpdatesHeader
             * @static
             * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns {string} The type url
             */
            PullUpdatesHeader.getTypeUrl = function(prefix) {
                if (prefix === $undefined)
                    prefix = "type.googleapis.com";
                return prefix + "/tributary.wire.PullUpdatesHeader";
            };

            return PullUpdatesHeader;
        })();

        wire.PullUpdatesPage = (function() {

            /**
             * Properties of a PullUpdatesPage.
             * @typedef {Object} tributary.wire.PullUpdatesPage.$Properties
             * @property {number|Long|null} [pageId] PullUpdatesPage pageId
             * @property {Uint8Array|null} [encodedPage] PullUpdatesPage encodedPage
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PullUpdatesPage.
             * @memberof tributary.wire
             * @interface IPullUpdatesPage
             * @augments tributary.wire.PullUpdatesPage.$Properties
             * @deprecated Use tributary.wire.PullUpdatesPage.$Properties instead.
             */

            /**
             * Shape of a PullUpdatesPage.
             * @typedef {tributary.wire.PullUpdatesPage.$Properties} tributary.wire.PullUpdatesPage.$Shape
             */

            /**
             * Constructs a new PullUpdatesPage.
             * @memberof tributary.wire
             * @classdesc Represents a PullUpdatesPage.
             * @constructor
             * @param {tributary.wire.PullUpdatesPage.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PullUpdatesPage = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PullUpdatesPage pageId.
             * @member {number|Long} pageId
             * @memberof tributary.wire.PullUpdatesPage
             * @instance
             */
            PullUpdatesPage.prototype.pageId = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * PullUpdatesPage encodedPage.
             * @member {Uint8Array} encodedPage
             * @memberof tributary.wire.PullUpdatesPage
             * @instance
             */
            PullUpdatesPage.prototype.encodedPage = $util.newBuffer([]);

            /**
             * Encodes the specified PullUpdatesPage message. Does not implicitly {@link tributary.wire.PullUpdatesPage.verify|verify} messages.
             * @function encode
             * @memberof tributary.wire.PullUpdatesPage
             * @static
             * @param {tributary.wire.PullUpdatesPage.$Properties} message PullUpdatesPage message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PullUpdatesPage.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.pageId != null && $Object.hasOwnProperty.call(message, "pageId") && (typeof message.pageId === "object" ? message.pageId.low || message.pageId.high : message.pageId !== 0))
                    writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.pageId);
                if (message.encodedPage != null && $Object.hasOwnProperty.call(message, "encodedPage") && message.encodedPage.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.encodedPage);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PullUpdatesPage message from the specified reader or buffer.
             * @function decode
             * @memberof tributary.wire.PullUpdatesPage
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {tributary.wire.PullUpdatesPage & tributary.wire.PullUpdatesPage.$Shape} PullUpdatesPage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PullUpdatesPage.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.tributary.wire.PullUpdatesPage();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.pageId = value;
                            else
                                delete message.pageId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.encodedPage = value;
                            else
                                delete message.encodedPage;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Gets the type url for PullUpdatesPage
             * @function getTypeUrl
             * @memberof tributary.wire.PullUpdatesPage
             * @static
             * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns {string} The type url
             */
            PullUpdatesPage.getTypeUrl = function(prefix) {
                if (prefix === $undefined)
                    prefix = "type.googleapis.com";
                return prefix + "/tributary.wire.PullUpdatesPage";
            };

            return PullUpdatesPage;
        })();

        return wire;
    })();

    return tributary;
})();

export {
  $root as default
};
